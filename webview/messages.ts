import { z } from 'zod';
import { type FromPanel, PanelSubject, ToPanel } from '../src/contract/panel.ts';
import { parts } from './hash.ts';

export const views = ['both', 'rendered', 'raw'] as const;
export type View = (typeof views)[number];

/** What the panel remembers while it is hidden, and across a reload of the window. */
export const Memory = z.object({
  ...PanelSubject.shape,
  view: z.enum(views).default('both'),
  follow: z.boolean().default(true),
  /** Pixels from the top. */
  scroll: z.number().default(0),
  /** The parts that a person unfolded. */
  unfolded: z.array(z.string()).default([]),
  /** The version that a person has had before their eyes, to tell when another one comes. */
  seen: z
    .object({ digest: z.string(), parts: z.record(z.enum(parts), z.string()) })
    .nullable()
    .default(null),
});
export type Memory = z.infer<typeof Memory>;

interface VsCode {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}
declare function acquireVsCodeApi(): VsCode;

export interface Connection {
  post(message: FromPanel): void;
  remember(memory: Memory): void;
  /** What was remembered; null the first time. */
  recall(): Memory | null;
}

/** Connects to the extension host. What does not fit the contract is dropped, and told in the console. */
export function connect(receive: (message: ToPanel) => void): Connection {
  const api = acquireVsCodeApi();
  window.addEventListener('message', (event: MessageEvent<unknown>) => {
    const message = ToPanel.safeParse(event.data);
    if (message.success) receive(message.data);
    else console.warn('A message that does not fit was dropped.', message.error.issues);
  });
  return {
    post: (message) => api.postMessage(message),
    remember: (memory) => api.setState(memory),
    recall: () => Memory.safeParse(api.getState()).data ?? null,
  };
}
