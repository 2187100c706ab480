/** What the reasons mean for which packets are dropped, in words: the packet path's, and the endpoint's own. */
import { DROP_REASONS } from '../dataplane/interface.js';

const OF_ENDPOINT: Readonly<Record<string, string>> = {
  'call-no-resources': 'a call for which there was no room',
  'call-tie-breaker': 'a call that both ends asked for at once: the other one goes on',
  'data-message': 'a data message where a control message was expected',
  'digest-mismatch': 'a control message whose Message Digest does not fit the secret: the secrets differ',
  'digest-missing': 'a control message without the Message Digest that the secret asks for',
  duplicate: 'a control message that came twice',
  'invalid-acknowledgement': 'a control message that acknowledges what was never sent',
  'outside-window': 'a control message beyond the window that was granted',
  'malformed-header': 'a control message whose header makes no sense',
  'malformed-message': 'a control message whose AVPs make no sense',
  'sccrq-invalid-sequence': 'a request for a tunnel that does not begin at 0',
  'sccrq-malformed': 'a request for a tunnel that makes no sense',
  'sccrq-no-resources': 'a request for a tunnel for which there was no room',
  'sccrq-tie-breaker': 'a request for a tunnel that both ends asked for at once: the other one goes on',
  'sccrq-unsupported-version': 'a request for a tunnel in a version that is not taken here',
  'tunnel-closed': 'a control message for a tunnel that is closed',
  'unknown-message-type': 'a control message of a type that nobody knows',
  'unknown-session': 'a message for a session that is not there',
  'unknown-tunnel': 'a control message for a tunnel that is not there',
  'version-mismatch': 'a control message of another version than its tunnel has',
  'wrong-peer-address': "a control message from another address than its tunnel's peer",
};

export const DROP_TEXTS: Readonly<Record<string, string>> = {
  ...OF_ENDPOINT,
  ...Object.fromEntries(DROP_REASONS.map(({ name, description }) => [name, description])),
};
