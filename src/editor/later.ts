/*
 * What the editor's half loads in one piece when a server runs or a person first asks for it, because to activate it would
 * be too much. Unlike the other pieces it talks to the editor itself.
 */

export { checkProvider } from './commands/checkProvider.ts';
export { chooseProvider } from './commands/chooseProvider.ts';
export { setPlanFromActiveEditor } from './commands/setPlanFromActiveEditor.ts';
export { setProviderKey } from './commands/setProviderKey.ts';
export { showMenu } from './commands/showMenu.ts';
export { createControl } from './control/control.ts';
