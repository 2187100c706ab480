/**
 * The state tables of RFC 3931 sections 7.2, 7.3.1, 7.3.2, 7.4.1 and 7.4.2, transcribed here row by row, against the
 * tables that version 2 has too. Where ours does otherwise, the row says what and why.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CONTROL_CONNECTION_TABLE } from '../../../../firmware/protocol/l2tp/control-connection.js';
import {
  LAC_INCOMING_TABLE,
  LAC_OUTGOING_TABLE,
  LNS_INCOMING_TABLE,
  LNS_OUTGOING_TABLE,
} from '../../../../firmware/protocol/l2tp/session.js';

type Table = Readonly<
  Record<string, Readonly<Record<string, { actions: readonly string[]; next: string } | 'impossible'>>>
>;

/** What a row's actions become: who found a tie answers the peer's request, so that the table has less to do. */
const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  none: [],
  'clean up': ['clean-up'],
  'clean up losing connection': ['clean-up', 'requeue-sccrq'],
  'send StopCCN for losing connection': [],
  'send control-conn open event to waiting sessions': ['send-tunnel-open'],
  'initiate local control-conn open': ['initiate-tunnel-open'],
  'process as recipient': ['clean-up', 'process-as-recipient'],
  'send CDN for losing session': ['send-cdn-for-loser'],
  'place call': ['open-bearer'],
  'prepare for data': ['prepare-for-data'],
};

/** `states | events | actions | next`, events as ours are named, without `receive-`. */
function walk(section: string, table: Table, rows: string): void {
  describe(`RFC 3931 section ${section}`, () => {
    for (const line of rows.trim().split('\n')) {
      const [states, events, actions, next] = line.split('|').map((cell) => cell.trim());
      it(line.replaceAll(/ +/g, ' '), () => {
        const names = actions
          .split(', ')
          .flatMap((action) => ACTIONS[action] ?? action.toLowerCase().replace(' ', '-'));
        const expected = { actions: names, next: next.replace('wait-control-conn', 'wait-tunnel') };
        for (const state of states.split(', ')) {
          const cells = table[state.replace('wait-control-conn', 'wait-tunnel')];
          for (const event of events.split(', ')) {
            assert.deepEqual(cells[event] ?? cells[`receive-${event}`], expected, `${state} ${event}`);
          }
        }
      });
    }
  });
}

/**
 * Not as the RFC's table: an SCCCN in idle, for which the table has a StopCCN, is for no tunnel here, and clean-up as in
 * version 2 (the packet is a counted drop). A lost tie of an SCCRQ that is not acceptable ends ours and leaves the
 * StopCCN to the idle state's row for the peer's.
 */
walk(
  '7.2',
  CONTROL_CONNECTION_TABLE,
  `
idle           | local-open-request                           | send SCCRQ                                    | wait-ctl-reply
idle           | sccrq-acceptable                             | send SCCRP                                    | wait-ctl-conn
idle           | sccrq-not-acceptable                         | send StopCCN, clean up                        | idle
idle           | sccrp-acceptable, sccrp-not-acceptable       | send StopCCN, clean up                        | idle
wait-ctl-reply | sccrp-acceptable                             | send SCCCN, send control-conn open event to waiting sessions | established
wait-ctl-reply | sccrp-not-acceptable                         | send StopCCN, clean up                        | idle
wait-ctl-reply | sccrq-lose-tie-breaker                       | clean up losing connection                    | idle
wait-ctl-reply | sccrq-win-tie-breaker                        | send StopCCN for losing connection            | wait-ctl-reply
wait-ctl-reply | scccn-acceptable, scccn-not-acceptable       | send StopCCN, clean up                        | idle
wait-ctl-conn  | scccn-acceptable                             | send control-conn open event to waiting sessions | established
wait-ctl-conn  | scccn-not-acceptable                         | send StopCCN, clean up                        | idle
wait-ctl-conn  | sccrq-acceptable, sccrq-not-acceptable, sccrp-acceptable, sccrp-not-acceptable | send StopCCN, clean up | idle
established    | local-open-request                           | send control-conn open event to waiting sessions | established
established    | admin-tunnel-close                           | send StopCCN, clean up                        | idle
established    | sccrq-acceptable, sccrq-not-acceptable, sccrp-acceptable, sccrp-not-acceptable, scccn-acceptable, scccn-not-acceptable | send StopCCN, clean up | idle
idle, wait-ctl-reply, wait-ctl-conn, established | stopccn    | clean up                                      | idle`,
);

walk(
  '7.3.1',
  LAC_INCOMING_TABLE,
  `
idle              | local-open-request                       | initiate local control-conn open | wait-control-conn
idle              | iccn, icrp-acceptable, icrp-not-acceptable, cdn | clean up                  | idle
wait-control-conn | local-close-request                      | clean up                         | idle
wait-control-conn | tunnel-open                              | send ICRQ                        | wait-reply
wait-reply        | icrp-acceptable                          | send ICCN                        | established
wait-reply        | icrp-not-acceptable                      | send CDN, clean up               | idle
wait-reply        | icrq-lose-tie-breaker                    | process as recipient             | idle
wait-reply        | icrq-win-tie-breaker                     | send CDN for losing session      | wait-reply
wait-reply        | cdn, iccn                                | clean up                         | idle
wait-reply        | local-close-request                      | send CDN, clean up               | idle
established       | cdn                                      | clean up                         | idle
established       | icrq, icrp-acceptable, icrp-not-acceptable, iccn | send CDN, clean up       | idle
established       | local-close-request                      | send CDN, clean up               | idle`,
);

walk(
  '7.3.2',
  LNS_INCOMING_TABLE,
  `
idle                            | icrq-acceptable                            | send ICRP          | wait-connect
idle                            | icrq-not-acceptable                        | send CDN, clean up | idle
idle                            | icrp                                       | send CDN, clean up | idle
idle                            | iccn-acceptable, iccn-not-acceptable       | clean up           | idle
wait-connect                    | iccn-acceptable                            | prepare for data   | established
wait-connect                    | iccn-not-acceptable                        | send CDN, clean up | idle
wait-connect                    | icrq-acceptable, icrq-not-acceptable, icrp | send CDN, clean up | idle
idle, wait-connect, established | cdn                                        | clean up           | idle
wait-connect, established       | local-close-request                        | send CDN, clean up | idle
established                     | icrq-acceptable, icrq-not-acceptable, icrp, iccn-acceptable, iccn-not-acceptable | send CDN, clean up | idle`,
);

walk(
  '7.4.1',
  LNS_OUTGOING_TABLE,
  `
idle              | local-open-request                            | initiate local control-conn open | wait-control-conn
idle              | occn, ocrp-acceptable, ocrp-not-acceptable    | clean up                         | idle
wait-control-conn | tunnel-open                                   | send OCRQ                        | wait-reply
wait-reply        | ocrp-acceptable                               | none                             | wait-connect
wait-reply        | ocrp-not-acceptable                           | send CDN, clean up               | idle
wait-reply        | occn                                          | send CDN, clean up               | idle
wait-reply        | ocrq-lose-tie-breaker                         | process as recipient             | idle
wait-reply        | ocrq-win-tie-breaker                          | send CDN for losing session      | wait-reply
wait-connect      | occn                                          | none                             | established
wait-connect      | ocrq, ocrp-acceptable, ocrp-not-acceptable    | send CDN, clean up               | idle
idle, wait-reply, wait-connect, established | cdn                 | clean up                         | idle
established       | ocrq, ocrp-acceptable, ocrp-not-acceptable, occn | send CDN, clean up            | idle
wait-reply, wait-connect, established | local-close-request       | send CDN, clean up               | idle
wait-control-conn | local-close-request                           | clean up                         | idle`,
);

walk(
  '7.4.2',
  LAC_OUTGOING_TABLE,
  `
idle                        | ocrq-acceptable                                  | send OCRP, place call | wait-cs-answer
idle                        | ocrq-not-acceptable                              | send CDN, clean up    | idle
idle                        | ocrp                                             | send CDN, clean up    | idle
idle                        | occn, cdn                                        | clean up              | idle
wait-cs-answer              | bearer-answer                                    | send OCCN             | established
wait-cs-answer              | bearer-failure                                   | send CDN, clean up    | idle
wait-cs-answer, established | ocrq-acceptable, ocrq-not-acceptable, ocrp, occn | send CDN, clean up    | idle
wait-cs-answer, established | cdn                                              | clean up              | idle
wait-cs-answer, established | local-close-request                              | send CDN, clean up    | idle`,
);
