/*
 * An agent of the editor that proposes work to GIMO with its language-model tools. It needs no token: the editor asks the
 * person before each call, and what is proposed waits until they approve it. There is no tool for that.
 *
 * Try it: code --extensionDevelopmentPath=examples/editor-agent, beside GIMO.
 */
const vscode = require('vscode');

exports.activate = (context) => {
  context.subscriptions.push(
    vscode.commands.registerCommand('gimoExample.propose', async (given) => {
      const prompt =
        given ?? (await vscode.window.showInputBox({ prompt: 'What should be done?' }));
      return prompt ? propose(prompt) : undefined;
    }),
  );
  // Not every editor has chats.
  if (vscode.chat?.createChatParticipant === undefined) return;
  context.subscriptions.push(
    vscode.chat.createChatParticipant(
      'gimo-example.agent',
      async (request, _chat, stream, token) => {
        const said = await propose(request.prompt, request.toolInvocationToken, token);
        stream.markdown(said.proposed);
      },
    ),
  );
};

/**
 * Proposes, and looks at what waits.
 *
 * @param inChat the token of the chat that it happens in: the question to the person is shown there
 */
async function propose(prompt, inChat, cancelled) {
  const call = async (name, input) => {
    const options = { input, toolInvocationToken: inChat };
    const { content } = await vscode.lm.invokeTool(name, options, cancelled);
    return content.map((part) => part.value ?? '').join('');
  };
  if (!vscode.lm.tools.some(({ name }) => name === 'gimo_propose_draft'))
    throw new Error('GIMO is not installed here, or switched off. Install it, then propose again.');
  const proposed = await call('gimo_propose_draft', {
    prompt,
    content: 'How I would do it, so that a person can decide.',
  });
  return { proposed, drafts: await call('gimo_list_drafts', {}) };
}
