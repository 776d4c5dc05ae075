import { connect } from './messages.ts';
import { createPanel, type Panel } from './panel.ts';

let panel: Panel | undefined;
const connection = connect((message) => panel?.receive(message));
panel = createPanel(document.body, connection, connection.recall());
connection.post({ type: 'ready' });
