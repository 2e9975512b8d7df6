import { parseClientText } from '@parley/schemas';
import { isParleysOwn, type Dialect } from './dialect';

/** The Realtime API as it is; with `parley.v1` also Parley's own events, which never go to others. */
export const gaDialect = ({ parley }: { parley: boolean }): Dialect => ({
  audioDelta: 'response.output_audio.delta',
  read: (text) => parseClientText(text, { parley }),
  told: (event) => (parley || !isParleysOwn(event) ? event : undefined),
});
