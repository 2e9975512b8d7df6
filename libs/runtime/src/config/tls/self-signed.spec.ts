import { X509Certificate, createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { selfSigned } from './self-signed';

const FROM = new Date(Date.UTC(2026, 0));
const TO = new Date(Date.UTC(2028, 0));
const made = selfSigned('a name', '01ff00', { from: FROM, to: TO });
const certificate = new X509Certificate(made.certificate);

describe('a certificate that is made here', () => {
  it('is for the loopback names of this machine, for a server, and for as long as was asked', () => {
    expect(certificate.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1');
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(certificate.subject).toBe('CN=a name');
    expect(certificate.serialNumber).toBe('01FF00');
    expect([new Date(certificate.validFrom), new Date(certificate.validTo)]).toEqual([FROM, TO]);
  });

  it('is signed by its own key, and is no authority for others', () => {
    expect(certificate.checkPrivateKey(createPrivateKey(made.key))).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.ca).toBe(false);
  });

  it('has another key each time', () => {
    expect(selfSigned('a name', '01', { from: FROM, to: TO }).key).not.toBe(made.key);
  });

  it.each(['localhost', '127.0.0.1'])(
    'is good for a client that trusts it and connects to %s, and for no other',
    async (host) => {
      // From the beginning of the century, so that it is valid whenever this runs.
      const { certificate: cert, key } = selfSigned('now', '01', {
        from: new Date(0),
        to: new Date(Date.UTC(2049, 0)),
      });
      const server = createServer({ cert, key }, (socket) => socket.end('hello'));
      server.on('tlsClientError', () => undefined);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const open = async (ca?: string): Promise<TLSSocket> => {
        const socket = connect({ port, host, ...(ca === undefined ? {} : { ca }) });
        await once(socket, 'secureConnect');
        return socket;
      };
      const trusting = await open(cert);
      expect(String((await once(trusting, 'data'))[0])).toBe('hello');
      await expect(open()).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
      await expect(open(made.certificate)).rejects.toThrow();
      trusting.destroy();
      server.close();
    },
  );
});
