import { generateKeyPairSync, sign } from 'node:crypto';

/** A certificate and its key, both PEM. */
export interface SelfSigned {
  certificate: string;
  key: string;
}

export interface Validity {
  from: Date;
  to: Date;
}

// Node reads certificates and makes none. This is the DER of the one kind that is needed here (RFC 5280 §4, X.690 §8).

const TAG = {
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  objectId: 0x06,
  text: 0x0c,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
  // Context-specific: fields of a certificate, and kinds of names.
  version: 0xa0,
  extensions: 0xa3,
  dnsName: 0x82,
  ipAddress: 0x87,
} as const;

/** Object identifiers as they are encoded. */
const ID = {
  ecdsaWithSha256: '2a8648ce3d040302',
  commonName: '550403',
  subjectAltName: '551d11',
  extendedKeyUsage: '551d25',
  serverAuth: '2b06010505070301',
} as const;

const VERSION_3 = '02';
/** localhost, 127.0.0.1 and ::1. */
const THIS_MACHINE = [
  der(TAG.dnsName, Buffer.from('localhost')),
  der(TAG.ipAddress, Buffer.from('7f000001', 'hex')),
  der(TAG.ipAddress, Buffer.from('01'.padStart(32, '0'), 'hex')),
];

/**
 * For a server on this machine, under its loopback names. It is signed by its own key, so who trusts it trusts this server
 * and nothing else. `serialHex`: up to 20 bytes, the first of which is 01 to 7f.
 */
export function selfSigned(commonName: string, serialHex: string, validity: Validity): SelfSigned {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const algorithm = sequence(objectId(ID.ecdsaWithSha256));
  const name = sequence(der(TAG.set, sequence(objectId(ID.commonName), der(TAG.text, Buffer.from(commonName)))));
  const content = sequence(
    der(TAG.version, integer(VERSION_3)),
    integer(serialHex),
    algorithm,
    name,
    sequence(utcTime(validity.from), utcTime(validity.to)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(
      TAG.extensions,
      sequence(
        extension(ID.subjectAltName, sequence(...THIS_MACHINE)),
        extension(ID.extendedKeyUsage, sequence(objectId(ID.serverAuth))),
      ),
    ),
  );
  const whole = sequence(content, algorithm, bits(sign('sha256', content, privateKey)));
  return { certificate: pemOf(whole), key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, ...lengthOf(content.length)]), content]);
}

/** Up to 127 as it is, a longer one behind the number of its bytes. */
function lengthOf(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) bytes.unshift(rest & 0xff);
  return [0x80 | bytes.length, ...bytes];
}

const sequence = (...parts: Uint8Array[]): Buffer => der(TAG.sequence, ...parts);
const integer = (hex: string): Buffer => der(TAG.integer, Buffer.from(hex, 'hex'));
const objectId = (hex: string): Buffer => der(TAG.objectId, Buffer.from(hex, 'hex'));
/** All bits of the last byte count. */
const bits = (bytes: Uint8Array): Buffer => der(TAG.bits, Buffer.of(0), bytes);
const extension = (id: string, value: Uint8Array): Buffer => sequence(objectId(id), der(TAG.octets, value));

/** `YYMMDDHHMMSSZ`, good until 2049. */
const utcTime = (date: Date): Buffer =>
  der(TAG.utcTime, Buffer.from(`${date.toISOString().slice(2, 19).replace(/\D/g, '')}Z`));

const pemOf = (bytes: Buffer): string => {
  const lines = bytes.toString('base64').replace(/(.{64})(?=.)/g, '$1\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
};
