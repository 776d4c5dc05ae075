import { hasEffects } from '../contract/digest.ts';
import { GimoError } from '../contract/errors.ts';
import type { Pending } from '../contract/operation.ts';
import type { Step } from '../contract/records.ts';
import { nextStep } from '../contract/steps.ts';
import { canonical } from './digest.ts';
import type { Call, Prepared } from './handlers.ts';
import type { Logger } from './ports.ts';
import type { Settings } from './settings.ts';
import type { Person, Question } from './work.ts';

/** Who has to be asked (DESIGN, section 4), and what is being asked. */
export interface Asking {
  /**
   * Whether letting these steps happen is for the person in the editor to say, so that this caller's call becomes a
   * question there.
   * @throws GimoError `editor_required` if it is, and there is no editor to ask in
   */
  needsEditor(call: Call, steps: readonly Pick<Step, 'kind'>[] | null): boolean;
  /**
   * The same for a change of who may approve or of which programs may run. A server without an editor has nobody but
   * the caller to decide about it.
   */
  needsEditorForPolicy(call: Call): boolean;
  /**
   * What a handler prepares instead of the act itself: the question. One like it that is still open is left as it is.
   * @param target the id of the record that it is about, for the audit
   * @throws GimoError `conflict_state` if too many wait already
   */
  ask(target: string | null, question: Question): Prepared<Pending>;
}

/** How many questions may be open: they are kept in memory, and no person answers more. */
const mostOpen = 100;

export function createAsking(ports: {
  /** Null where there is none to ask. */
  person: Person | null;
  settings: Pick<Settings, 'config'>;
  hostedBy: 'editor' | 'headless';
  logger: Logger;
}): Asking {
  const { person, settings, hostedBy, logger } = ports;
  const open = new Set<string>();

  /** Asks, and forgets the question when it is over. Nobody waits for this: what goes wrong is told to the log. */
  const put = async (key: string, question: Question) => {
    try {
      await person?.ask(question);
    } catch (error) {
      logger.log('error', `the person could not be asked (${question.about}): ${String(error)}`);
    } finally {
      open.delete(key);
    }
  };

  return {
    needsEditor(call, steps) {
      if (call.principal.role === 'editor') return false;
      const { approval_channel: channel } = settings.config();
      if (hostedBy === 'headless') {
        if (channel === 'editor') throw noEditor();
        return false;
      }
      if (channel === 'any' || (channel === 'auto' && !hasEffects(steps))) return false;
      if (person === null) throw onlyThere();
      return true;
    },
    needsEditorForPolicy(call) {
      if (hostedBy === 'headless' || call.principal.role === 'editor') return false;
      if (person === null) throw onlyThere();
      return true;
    },
    ask(target, question) {
      const key = keyOf(question);
      if (!open.has(key) && open.size >= mostOpen) throw tooMany();
      return {
        target,
        asked: true,
        async effect() {
          if (!open.has(key)) {
            open.add(key);
            void put(key, question);
          }
          return { body: { pending: 'editor' }, changes: [] };
        },
      };
    },
  };
}

/** What makes it the same question as another, whoever asks. */
function keyOf(question: Question): string {
  if (question.about === 'approve') return `approve ${question.draft.id}`;
  if (question.about === 'resume')
    return `resume ${question.run.id} ${nextStep(question.run.steps)?.id}`;
  return `config ${canonical(question.changes)}`;
}

const noEditor = () =>
  new GimoError(
    'editor_required',
    'This server lets work be approved in an editor only, and runs without one. Open the folder in VS Code, or set approval_channel to "auto".',
  );

const onlyThere = () =>
  new GimoError(
    'editor_required',
    'This is decided in the editor that hosts the server, and it cannot be asked from here. Do it there.',
  );

const tooMany = () =>
  new GimoError(
    'conflict_state',
    `${mostOpen} questions wait for the person in the editor already, so this one was not asked. Try again when some are decided.`,
  );
