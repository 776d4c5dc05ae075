import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  commandIds,
  containerId,
  contextKeys,
  controlCommandIds,
  documentCommandIds,
  innerCommandIds,
  serverStates,
  settingIds,
  viewIds,
} from '../../../src/editor/ids.ts';

const Manifest = z.object({
  contributes: z.object({
    viewsContainers: z.object({ activitybar: z.array(z.object({ id: z.string() })) }),
    views: z.record(z.string(), z.array(z.object({ id: z.string() }))),
    viewsWelcome: z.array(z.object({ view: z.string(), contents: z.string(), when: z.string() })),
    commands: z.array(z.object({ command: z.string(), title: z.string(), category: z.string() })),
    menus: z.record(z.string(), z.array(z.object({ command: z.string(), when: z.string() }))),
    walkthroughs: z.array(
      z.object({
        steps: z.array(
          z.object({
            description: z.string(),
            media: z.object({ svg: z.string(), altText: z.string() }),
            completionEvents: z.array(z.string()),
          }),
        ),
      }),
    ),
    configuration: z.object({
      properties: z.record(z.string(), z.object({ scope: z.string() })),
    }),
  }),
});
const { contributes } = Manifest.parse(
  JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')),
);
const commands = contributes.commands.map(({ command }) => command);
const steps = contributes.walkthroughs.flatMap((one) => one.steps);
const whens = [
  ...steps.flatMap(({ completionEvents }) =>
    completionEvents.flatMap((event) => /^onContext:(.+)/.exec(event)?.[1] ?? []),
  ),
  ...contributes.viewsWelcome.map(({ when }) => when),
  ...Object.values(contributes.menus).flatMap((items) => items.map(({ when }) => when)),
];

function camelCase(title: string): string {
  const joined = title
    .replace('…', '')
    .replace(/ (\w)/g, (_, first: string) => first.toUpperCase());
  return joined.charAt(0).toLowerCase() + joined.slice(1);
}

describe('package.json agrees with the ids of the code', () => {
  test('on commands, in category GIMO and named after their titles', () => {
    const ids = [commandIds, controlCommandIds, documentCommandIds].flatMap(Object.values);
    expect([...commands].sort()).toEqual(ids.sort());
    for (const { command, title, category } of contributes.commands) {
      expect(category).toBe('GIMO');
      expect(command).toBe(`gimo.${camelCase(title)}`);
    }
  });

  test('on what only rows and the status bar call, which stands in no palette', () => {
    for (const id of Object.values(innerCommandIds)) expect(commands).not.toContain(id);
  });

  test('on views and their container', () => {
    expect(contributes.viewsContainers.activitybar.map(({ id }) => id)).toEqual([containerId]);
    expect(contributes.views[containerId]?.map(({ id }) => id)).toEqual(Object.values(viewIds));
  });

  test('on settings, none of which a repository can set', () => {
    const { properties } = contributes.configuration;
    expect(Object.keys(properties).sort()).toEqual(Object.values(settingIds).sort());
    for (const { scope } of Object.values(properties)) expect(scope).toBe('machine');
  });

  test('on the states that when clauses ask for', () => {
    const asked = whens.flatMap((when) =>
      [...when.matchAll(/gimo\.\w+(?= [=!])/g)].map(([key]) => key),
    );
    expect(new Set(asked)).toEqual(new Set(Object.values(contextKeys)));
    const states = whens.flatMap((when) =>
      [...when.matchAll(/gimo\.state == (\w+)/g)].map(([, s]) => s),
    );
    for (const state of states) expect(serverStates).toContain(state);
  });

  test('on the commands that menus and welcome views offer', () => {
    const offered = [
      ...Object.values(contributes.menus).flatMap((items) => items.map(({ command }) => command)),
      ...contributes.viewsWelcome.flatMap(({ contents }) =>
        [...contents.matchAll(/command:(gimo\.\w+)/g)].map(([, command]) => command),
      ),
      ...steps.flatMap(({ description, completionEvents }) =>
        [...[description, ...completionEvents].join(' ').matchAll(/ommand:(gimo\.\w+)/g)].map(
          ([, command]) => command,
        ),
      ),
    ];
    for (const command of offered) expect(commands).toContain(command);
  });

  test('on the pictures of the walkthrough, of which each takes its colours from the theme', () => {
    for (const { media } of steps) {
      const picture = readFileSync(new URL(`../../../${media.svg}`, import.meta.url), 'utf8');
      expect(picture).toMatch(/var\(--vscode-foreground/);
      expect(media.altText).not.toBe('');
    }
    expect(steps).toHaveLength(4);
  });

  test('that a heading of a tree has no action of its rows', () => {
    const items = contributes.menus['view/item/context'] ?? [];
    const asked = items.flatMap(({ when }) =>
      [...when.matchAll(/viewItem =~ \/(.+?)\/(?= |$)/g)].map(([, pattern]) => pattern ?? ''),
    );
    expect(asked).toHaveLength(items.length);
    for (const group of ['waiting', 'settled', 'live', 'over', 'runnable'])
      expect(asked.filter((pattern) => new RegExp(pattern).test(`group;${group};`))).toEqual([]);
  });
});
