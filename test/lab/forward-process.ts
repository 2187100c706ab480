/** The far end of forward.ts, started in the namespace: `forward-process.js <Unix socket> <TCP port> <its address>`. */
import { connect, createServer } from 'node:net';

const [socketPath, port, address] = process.argv.slice(2);
createServer((near) => {
  const far = connect(Number(port), address);
  near.pipe(far).pipe(near);
  near.on('error', () => far.destroy());
  far.on('error', () => near.destroy());
}).listen(socketPath, () => console.log('listening'));
