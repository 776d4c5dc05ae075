/**
 * Whether an actor is a person at an editor, by the form of its name (`editor:` and a number; see principals.ts of core).
 * What a file tells of itself is not proven by this.
 */
export const isAtEditor = (actor: string): boolean => actor.startsWith('editor:');
