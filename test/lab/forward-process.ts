/** The far end of forward.ts, started in the namespace: `forward-process.js <Unix socket> <TCP port of 127.0.0.1>`. */
import { connect, createServer } from 'node:net';

const [socketPath, port] = process.argv.slice(2);
createServer((near) => {
  const far = connect(Number(port), '127.0.0.1');
  near.pipe(far).pipe(near);
  near.on('error', () => far.destroy());
  far.on('error', () => near.destroy());
}).listen(socketPath, () => console.log('listening'));
