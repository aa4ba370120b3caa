// Many connections at once: kept alive without a request, and with an answer that arrives slowly.
import { connect } from 'node:net';

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

// Opens `count` connections, `at_once` of them at a time; `greet(socket)` resolves when one is as it should be.
async function openAll(count, port, greet, atOnce = 100) {
  const sockets = [];
  let wanted = count;
  const worker = async () => {
    while (wanted-- > 0) {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      sockets.push(socket);
      await new Promise((resolve, reject) => {
        socket.once('error', reject);
        socket.once('connect', () => greet(socket).then(resolve, reject));
      });
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, worker));
  return sockets;
}

const request = (path, body) => (body === undefined
  ? `GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`
  : `POST ${path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);

// Resolves with the first bytes that match; the socket is then read no more.
const answered = (socket, pattern) => new Promise((resolve, reject) => {
  let text = '';
  const onData = (data) => {
    text += data;
    if (!pattern.test(text)) return;
    socket.off('data', onData);
    if (/^HTTP\/1.1 200/.test(text)) resolve(text);
    else reject(new Error(text.split('\r\n')[0]));
  };
  socket.on('data', onData);
  socket.once('close', () => reject(new Error(`closed after: ${text.split('\r\n')[0]}`)));
});

// Each has had one answer, so that what a first request allocates is counted in.
export async function holdIdle(port, count) {
  const sockets = await openAll(count, port, (socket) => {
    socket.write(request('/health'));
    return answered(socket, /\r\n\r\n.*\}/s);
  });
  return { open: () => sockets.filter((s) => !s.destroyed).length, end: () => sockets.forEach((s) => s.destroy()) };
}

// Streams of one chunk per `delayMs`, still running when this returns.
export async function holdStreams(port, count, delayMs, model) {
  const body = JSON.stringify({
    model, max_tokens: 64, stream: true, messages: [{ role: 'user', content: 'Hello' }],
    fixture: { chunks: 1000, delay_ms: delayMs },
  });
  let chunks = 0;
  let failures = 0;
  const sockets = await openAll(count, port, async (socket) => {
    socket.write(request('/v1/chat/completions', body));
    await answered(socket, /data: \{/);
    socket.on('data', (data) => {
      chunks += 1;
      if (data.includes('"error"')) failures += 1;
    });
  });
  await nextTurn();
  return {
    open: () => sockets.filter((s) => !s.destroyed).length,
    chunks: () => chunks,
    failures: () => failures,
    end: () => sockets.forEach((s) => s.destroy()),
  };
}
