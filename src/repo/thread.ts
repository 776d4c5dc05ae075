import { parentPort } from 'node:worker_threads';
import { carryOut, type Job } from './jobs.ts';

/* The program of a thread that looks into a repository: an entry of its own, in source and in what ships. */
parentPort?.on('message', (job: Job) => parentPort?.postMessage(carryOut(job)));
