import type { Pending } from '../contract/operation.ts';
import { Refusal } from './messages.ts';

const isPending = (answer: object): answer is Pending => 'pending' in answer;

/**
 * The answer to what a person did in the editor. Only others are answered that the editor was asked; whoever sits there
 * decides, so this throws a `Refusal` only if the server took the window for somebody else.
 */
export function answered<T extends object>(answer: T | Pending): T {
  if (isPending(answer))
    throw new Refusal(
      'The server did not take this for your own decision, and asks for it in the window that hosts it. Decide it there.',
    );
  return answer;
}
