import { z } from 'zod';

/** What the values of variables may be. No message repeats a value: it may be a secret put into the wrong variable. */

const MAX_PORT = 65_535;
const SENTINEL_PORT = 26_379;
const NOT_SET = 'must be set';

export const text = z.string().min(1);

export const secret = z.string().regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces');

export const host = z.string().regex(/^[\w.:-]+$/, 'must be a host name or an address');

export const port = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a port number')
  .transform(Number)
  .pipe(z.number().max(MAX_PORT, `must be a port number (0 to ${MAX_PORT})`));

export const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `must be a whole number from ${least} to ${most}`)
    .transform(Number)
    .refine((value) => value >= least && value <= most, `must be a whole number from ${least} to ${most}`);

export const choice = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `must be ${values.map((value) => `\`${value}\``).join(' or ')}` });

/** A key travels in a header or as part of an offered subprotocol. */
export const apiKeys = z
  .string()
  .transform((list) => splitList(list))
  .pipe(
    z
      .array(z.string().regex(/^[\x21-\x7e]+$/, 'must be keys of printable ASCII without spaces, separated by commas'))
      .min(1, 'must be keys separated by commas'),
  );

export const baseUrl = z
  .string()
  .refine(isUrlOf(['http:', 'https:']), 'must be a URL that starts with http:// or https://');

export const redisUrl = z
  .string(NOT_SET)
  .refine(isUrlOf(['redis:', 'rediss:']), 'must be a URL that starts with redis:// or rediss://');

/** Host and port of each Sentinel; 26379 is its usual port. */
export const sentinels = z
  .string()
  .transform((list) => splitList(list).map((address) => /^([\w.-]+)(?::(\d{1,5}))?$/.exec(address)))
  .transform((matches, context) => {
    const addresses = matches.flatMap((match) =>
      match?.[1] === undefined ? [] : [{ host: match[1], port: Number(match[2] ?? SENTINEL_PORT) }],
    );
    const isGood = addresses.length === matches.length && addresses.every(({ port: each }) => each <= MAX_PORT);
    if (isGood && addresses.length > 0) return addresses;
    context.addIssue({ code: 'custom', message: 'must be `host:port` of each Sentinel, separated by commas' });
    return z.NEVER;
  });

export const natsUrl = z
  .string(NOT_SET)
  .refine(
    (list) => splitList(list).length > 0 && splitList(list).every(isUrlOf(['nats:', 'tls:'])),
    'must be URLs that start with nats:// or tls://, separated by commas',
  );

/** What clients call something, and what it is called here. */
export const nameMap = z.string().transform((list, context) => {
  const entries = splitList(list).map((pair) => pair.split('=').map((part) => part.trim()));
  const map = new Map<string, string>();
  for (const [name, own, ...rest] of entries) {
    if (name && own && rest.length === 0) map.set(name, own);
  }
  if (map.size === entries.length) return Object.fromEntries(map);
  context.addIssue({
    code: 'custom',
    message: 'must be `name=own name` pairs with distinct names, separated by commas',
  });
  return z.NEVER;
});

/** Items of a comma list, without the blanks around them and without empty ones. */
export function splitList(list: string): string[] {
  return list
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function isUrlOf(protocols: readonly string[]): (value: string) => boolean {
  return (value) => URL.canParse(value) && protocols.includes(new URL(value).protocol);
}
