import type {
  DraftRecord,
  ResolvedProvider,
  RunRecord,
  Step,
  StepKind,
  Usage,
} from '../contract/records.ts';
import type { Undone } from '../contract/rows/runs.ts';

/*
 * What core needs from outside to have work done, in core's words: models, whoever carries out steps, the workspace
 * that they change, and the person who may be asked. See ports.ts.
 */

// ---- language models

/** What an answer has to fit, where the model can be told. */
export interface AnswerShape {
  /** Names it, for the vendor: letters, digits and `_`. */
  name: string;
  /** JSON Schema. */
  schema: Readonly<Record<string, unknown>>;
}

export interface ModelRequest {
  /** The whole text that is sent. */
  text: string;
  /** Asks for JSON of this shape. A model that cannot be held to one is asked for text: `shaped` is false then. */
  shape?: AnswerShape | undefined;
  /**
   * On whose behalf: what a person asked for or approved may draw on everything that is not denied, what a weak
   * token asked for only on what clients may read.
   */
  audience: 'person' | 'client';
  signal: AbortSignal;
  /** Called with each piece of the answer as it arrives. */
  onText?: (piece: string) => void;
}
export interface ModelAnswer {
  text: string;
  usage: Usage | null;
  /** Whether the model was held to the shape that was asked for; left out if none was. */
  shaped?: boolean;
}

/** A provider as the accepted configuration describes it, with its key. The key goes to `base_url`'s origin only. */
export interface ModelTarget extends ResolvedProvider {
  base_url: string | null;
  api_key: string | null;
}

export interface Models {
  /**
   * Asks a model. Throws `GimoError('provider_error')` with a text that tells what happened (refused, timed out, cut
   * off, answered with something else) and holds no key; throws the signal's reason when aborted.
   */
  ask(target: ModelTarget, request: ModelRequest): Promise<ModelAnswer>;
  /**
   * Reaches for a provider without asking it for anything that costs.
   * @returns a sentence that tells what answered
   * @throws what {@link Models.ask} throws
   */
  check(target: ModelTarget, signal: AbortSignal): Promise<string>;
  /** The base URL that a provider entry leads to, presets filled in; null where nothing is sent over a network. */
  baseUrl(entry: { type: ResolvedProvider['type']; base_url?: string | undefined }): string | null;
}

// ---- execution

/** Whoever carries out runs. */
export interface Worker {
  /** Something may have become startable: look now. */
  wake(): void;
  /** Aborts a run's work. Resolves when it has really stopped; at once if it is not being worked on. */
  halt(runId: string): Promise<void>;
  /**
   * After a restart: settles a step that had begun and cannot be repeated.
   * @param trace what the step had noted, see {@link StepContext.note}
   * @returns what became of it, in a sentence or two for the run's error
   */
  settle(runId: string, step: Pick<ExecutableStep, 'id' | 'kind'>, trace: unknown): Promise<string>;
}

/** What an executor may do while its step runs. */
export interface StepContext {
  runId: string;
  /** The provider that was approved, with its key; null if no step asks a model. */
  target: ModelTarget | null;
  signal: AbortSignal;
  /** Writes a line to the run's log. It is redacted on the way. */
  log(level: string, message: string): void;
  /**
   * Keeps in the ledger what the step has to be found by after a crash; durable when it resolves. A later note replaces
   * an earlier one. Throws if the run is not live any more: then do not go on.
   */
  note(trace: unknown): Promise<void>;
}

/** How a step ended. */
export interface StepOutcome {
  /** Kept with the step, whether it failed or not. */
  result: unknown;
  /** Why it failed, in a sentence or two; left out if it did not. */
  error?: string;
}

export interface Executor<K extends StepKind = StepKind> {
  readonly kind: K;
  /**
   * Carries out a step of its kind; it is given no other. Throws if it failed without leaving a result. If it was aborted
   * it throws the signal's reason, or, if something is left of it that has to be told, a `GimoError` in those words with
   * that reason as its `cause`.
   */
  execute(step: ExecutableStep, context: StepContext): Promise<StepOutcome>;
  /** See {@link Worker.settle}. Left out by executors whose steps are repeated. May be called twice. */
  settle?(runId: string, stepId: string, trace: unknown): Promise<string>;
}

/** A step as it is carried out: what was approved, and nothing else. */
export type ExecutableStep = Step;

/** A step of one kind. */
export type StepOf<K extends StepKind> = Extract<Step, { kind: K }>;

// ---- the workspace

/** What stands at a path of the workspace, for an edit. */
export type FoundFile =
  | {
      state: 'file';
      sha256: string;
      /** Its size. */
      bytes: number;
      text: string | null;
    }
  | { state: 'missing' }
  /** An edit step refuses it; `why` is a sentence. */
  | { state: 'refused'; why: string };

/** The files of the workspace that runs change. Paths are relative, with `/`. */
export interface Workspace {
  /**
   * Looks at what a change of this path would replace. `text` is null if it is too large or cannot be told as text.
   */
  look(path: string): Promise<FoundFile>;
  /** Whether the file is open in an editor with changes that are not saved. */
  isUnsaved(path: string): boolean;
  /**
   * Puts back what a run's edits changed, the last first, where files are still as the run left them. What was put back
   * before is left out: it is not the run's any more. May be called again after a crash in its middle.
   */
  undo(runId: string): Promise<Undone>;
  /** The runs whose undo a crash has cut off. */
  undoing(): Promise<string[]>;
  /** Forgets what a run's files were before. */
  forget(runId: string): Promise<void>;
}

/** What a file was before a step changed it, and what the step makes of it. */
export interface FileVersion {
  path: string;
  /** Null: there was none. `mode` are the permission bits. */
  before: { sha256: string; mode: number } | null;
  /** SHA-256 of what the step writes; null: it deletes the file. */
  after: string | null;
  /** It was put back, or never changed: whatever is done to the file from then on, the step has not done it. */
  back?: true | undefined;
}

/** Old versions of files, kept in the ledger: what is put back from there is what was there. */
export interface OldVersions {
  /**
   * Keeps what the files of a step were; durable when it resolves, so that the step may begin.
   * @param files `bytes` is null where `before` is
   */
  keep(
    runId: string,
    stepId: string,
    files: readonly (FileVersion & { bytes: Uint8Array | null })[],
  ): Promise<void>;
  /** What is kept of a run's steps, in the order in which they began. */
  of(runId: string): Promise<{ stepId: string; files: FileVersion[] }[]>;
  /**
   * What a file was.
   * @throws GimoError `storage_error` if it is not there as it was kept
   */
  read(runId: string, stepId: string, path: string): Promise<Uint8Array>;
  /** Notes which files of a step are as they were before it, see {@link FileVersion.back}; durable when it resolves. */
  putBack(runId: string, stepId: string, paths: readonly string[]): Promise<void>;
  /** Notes that a run is being undone, until {@link OldVersions.endUndo}; durable when it resolves. */
  beginUndo(runId: string): Promise<void>;
  endUndo(runId: string): Promise<void>;
  /** The runs whose undo has begun and has not come to its end. */
  undoing(): Promise<string[]>;
  /** Forgets a run; no error if nothing is kept of it. */
  remove(runId: string): Promise<void>;
}

/** The programs that command steps run. */
export interface Programs {
  /**
   * The real path of a program: of an absolute path, or of a name that is looked for on the PATH, folders of the
   * workspace left out. Null if there is none.
   */
  realPath(program: string): Promise<string | null>;
  /** Why a program is not run wherever it is allowed, in a sentence; null if nothing speaks against it. */
  refused(program: string): string | null;
}

// ---- the person

/** What only a person in the editor may decide. */
export type Question =
  | { about: 'approve'; draft: Pick<DraftRecord, 'id' | 'prompt'>; actor: string }
  /** `run` as it was when that was asked: it is about the step that came next then, and no other. */
  | { about: 'resume'; run: Pick<RunRecord, 'id' | 'steps'>; actor: string }
  | {
      about: 'config';
      actor: string;
      /** What would change, a line each, as a person reads it. */
      changes: readonly string[];
      /** Puts it in force, on behalf of the person. */
      accept: () => Promise<void>;
    };

/** The person in the editor that hosts the server. */
export interface Person {
  /** Asks. Resolves when the question is no longer open, whatever was decided; what follows the person does. */
  ask(question: Question): Promise<void>;
}
