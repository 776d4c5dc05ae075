import { Argument, type Command } from 'commander';
import { completionScript, shells } from '../completion.ts';
import type { Run } from '../deps.ts';
import { exitCodes } from '../failures.ts';
import { example } from '../help.ts';

const says = `Put this where your shell reads it:
  bash  source <(gimo completion bash)            in ~/.bashrc
  zsh   source <(gimo completion zsh)             in ~/.zshrc, after compinit
  fish  gimo completion fish | source             in ~/.config/fish/config.fish`;

/** `gimo completion` */
export function addCompletion(program: Command, run: Run): void {
  program
    .command('completion')
    .description('print what makes a shell complete commands, options and their values')
    .addArgument(new Argument('<shell>', 'which shell').choices(shells))
    .addHelpText('after', example('completion bash', says))
    .action((shell: (typeof shells)[number]) =>
      run(async ({ deps }) => {
        deps.stdout.write(completionScript(program, shell));
        return exitCodes.ok;
      }),
    );
}
