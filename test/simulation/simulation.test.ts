/**
 * A thousand seeds of the simulator over UDP, for each version, in every test run; more by `make sim SEEDS=n`. What goes
 * over IP or is dialled in automatic mode is beside it, for another core.
 */
import { testEveryKind } from './every-kind.js';

testEveryKind('udp2', 1000);
testEveryKind('udp3', 1000);
