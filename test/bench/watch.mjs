import { monitorEventLoopDelay } from 'node:perf_hooks';

/* Loaded into the server that is measured: tells the longest stall of its event loop, and its memory. */
const delays = monitorEventLoopDelay({ resolution: 1 });
delays.enable();
process.channel?.unref();
process.on('message', () => {
  const { rss } = process.memoryUsage();
  process.send?.({ stall_ms: delays.max / 1e6, rss_mb: rss / 2 ** 20 });
  delays.reset();
});
process.channel?.unref();
