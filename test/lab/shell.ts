/** `make lab`: lays the three sites, starts the shipped program as the LNS, and gives a shell in its namespace. */
import { spawn } from 'node:child_process';
import { startLns, USER } from '../interop/lns.js';
import { labIsMissing } from './requirements.js';
import { ADDRESS, layThreeSites } from './three-sites.js';

const missing = labIsMissing();
if (missing !== false) {
  console.error(`make lab ${missing}`);
  process.exit(1);
}
const sites = await layThreeSites();
const appliance = await startLns(sites);
console.log(`A shell in the LNS's namespace, ${sites.lns.name}. The others: ip netns exec $USER_SITE or $OFFICE_SITE.
The LNS takes calls at ${ADDRESS.lns} from ${USER.name}, password "${USER.password}", and shows itself by
  curl --unix-socket $API http://box/api/v1/status
The lab goes when the shell ends.`);
const shell = spawn('ip', ['netns', 'exec', sites.lns.name, process.env.SHELL ?? '/bin/sh'], {
  stdio: 'inherit',
  env: {
    ...process.env,
    USER_SITE: sites.user.name,
    OFFICE_SITE: sites.office.name,
    API: appliance.api.socketPath,
  },
});
// Ctrl-C is for what runs in the shell.
process.removeAllListeners('SIGINT');
process.on('SIGINT', () => undefined);
const status = await new Promise<number>((resolve) => shell.once('exit', (code) => resolve(code ?? 1)));
await sites.lab.close();
process.exit(status);
