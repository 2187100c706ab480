/** A thousand seeds of the simulator over IP protocol 115, and some in automatic mode with both versions and both ways. */
import { testEveryKind } from './every-kind.js';

testEveryKind('ip', 1000);
testEveryKind('auto', 400);
