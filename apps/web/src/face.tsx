import { useEffect, useRef } from 'react';
import type { FloorState } from '@parley/model';
import { CLOSED, closing } from './mouth';
import type { Mouth } from './mouth';

interface FaceProps {
  floor: FloorState | undefined;
  /** The mouth for what is heard at this moment; undefined in silence. */
  mouth(): Mouth | undefined;
}

/**
 * The agent's face. The mouth is drawn in each animation frame from the audio clock, past React; `data-mouth-open`
 * (0 to 1) tells what was drawn.
 */
export function Face({ floor, mouth }: FaceProps) {
  const face = useRef<SVGSVGElement>(null);
  const latest = useRef(mouth);
  useEffect(() => {
    latest.current = mouth;
  });

  useEffect(() => {
    let drawn = CLOSED;
    let atMs = 0;
    const draw = (nowMs: number): void => {
      drawn = latest.current() ?? closing(drawn, nowMs - atMs);
      atMs = nowMs;
      if (face.current !== null) drawMouth(face.current, drawn);
      request = requestAnimationFrame(draw);
    };
    let request = requestAnimationFrame(draw);
    return () => cancelAnimationFrame(request);
  }, []);

  return (
    <svg
      ref={face}
      className="face"
      data-testid="face"
      data-mouth-open="0.000"
      data-state={floor ?? 'offline'}
      viewBox="0 0 240 240"
      role="img"
      aria-label="The agent's face"
    >
      <defs>
        <clipPath id="mouth-opening">
          <path data-part="opening" d={outline(CLOSED)} />
        </clipPath>
      </defs>
      <rect className="head" x="20" y="20" width="200" height="200" rx="76" />
      <g className="cheeks">
        <ellipse cx="62" cy="146" rx="15" ry="9" />
        <ellipse cx="178" cy="146" rx="15" ry="9" />
      </g>
      <g className="brows">
        <path d="M70 80q14-9 28-3" />
        <path d="M142 77q14-6 28 3" />
      </g>
      <g className="eyes">
        <ellipse cx="84" cy="108" rx="9" ry="13" />
        <ellipse cx="156" cy="108" rx="9" ry="13" />
        <g className="glints">
          <circle cx="87" cy="103" r="3" />
          <circle cx="159" cy="103" r="3" />
        </g>
      </g>
      <g transform="translate(120 164)">
        <path className="cavity" data-part="lips" d={outline(CLOSED)} />
        <g clipPath="url(#mouth-opening)">
          <ellipse className="tongue" data-part="tongue" cx="0" cy="34" rx="17" ry="12" />
          <rect className="teeth" data-part="teeth" x="-40" y="-30" width="80" height="0" />
        </g>
        <path className="lips" data-part="rim" d={outline(CLOSED)} />
      </g>
    </svg>
  );
}

function drawMouth(face: SVGSVGElement, mouth: Mouth): void {
  const set = (part: string, name: string, value: string): void =>
    face.querySelector(`[data-part="${part}"]`)?.setAttribute(name, value);
  const { top, bottom } = extent(mouth);
  const d = outline(mouth);
  for (const part of ['opening', 'lips', 'rim']) set(part, 'd', d);
  set('teeth', 'y', (top - 2).toFixed(2));
  set('teeth', 'height', (mouth.teeth * Math.min(9, (bottom - top) * 0.45) + 2).toFixed(2));
  set('tongue', 'cy', (bottom + 6 - mouth.open * 4).toFixed(2));
  face.setAttribute('data-mouth-open', mouth.open.toFixed(3));
}

/** Height of the lips' middle above and below the corners, in units of the drawing. */
const extent = ({ open, round }: Mouth): { top: number; bottom: number } => ({
  top: 5 - open * (18 + 4 * round),
  bottom: 6 + open * (32 + 4 * round),
});

/** The lips' outline about (0, 0): corner, upper lip, corner, lower lip. */
function outline(mouth: Mouth): string {
  const { top, bottom } = extent(mouth);
  const half = 20 + 14 * mouth.wide - 11 * mouth.round;
  // A cubic reaches three quarters of the way to its control points.
  const up = (top / 0.75).toFixed(2);
  const down = (bottom / 0.75).toFixed(2);
  const x = half.toFixed(2);
  const inner = (half * (0.55 + 0.3 * mouth.round)).toFixed(2);
  return `M-${x} 0C-${inner} ${up} ${inner} ${up} ${x} 0C${inner} ${down} -${inner} ${down} -${x} 0Z`;
}
