import { mayCall, type Role } from '../contract/operation.ts';
import { type Operation, type OpId, table } from '../contract/operations.ts';
import type { Config } from '../contract/records.ts';

/** Whether a role may call an operation under this configuration, which can give operators one more. */
export function mayCallNow(
  role: Role,
  id: OpId,
  { operator_can_generate }: Pick<Config, 'operator_can_generate'>,
): boolean {
  const operation: Operation = table[id];
  if (mayCall(role, operation)) return true;
  return role === 'operator' && id === 'generateDraft' && operator_can_generate;
}
