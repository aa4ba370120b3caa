// A trivial backend such as people write: Node.js' own HTTP server, which takes the request's JSON apart and answers at
// once. `bench/run --node-backend` puts it in the place of the fixture engine.
import { createServer } from 'node:http';

const usage = { prompt_tokens: 5, completion_tokens: 50, total_tokens: 55 };
const head = { id: 'chatcmpl-1', created: 1, model: 'fixture' };
const chunk = (choices, more) =>
  `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices, ...more })}\n\n`;
const piece = chunk([{ index: 0, delta: { content: 'word ' }, finish_reason: null }]);
const last = chunk([{ index: 0, delta: {}, finish_reason: 'stop' }]) + chunk([], { usage }) + 'data: [DONE]\n\n';
const whole = JSON.stringify({
  ...head, object: 'chat.completion', usage,
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello.' }, finish_reason: 'stop' }],
});
const models = JSON.stringify({ object: 'list', data: [{ id: 'fixture', object: 'model', created: 1, owned_by: 'bench' }] });

createServer((request, response) => {
  const pieces = [];
  request.on('data', (data) => pieces.push(data));
  request.on('end', () => {
    if (request.method !== 'POST') return response.setHeader('content-type', 'application/json').end(models);
    if (!JSON.parse(Buffer.concat(pieces)).stream)
      return response.setHeader('content-type', 'application/json').end(whole);
    response.setHeader('content-type', 'text/event-stream');
    for (let i = 0; i < 50; ++i) response.write(piece);
    return response.end(last);
  });
}).listen(Number(process.argv[2]), '127.0.0.1', () => console.log('ready'));
