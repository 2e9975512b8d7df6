import { parseServerUrls } from './server-address';

describe('parseServerUrls', () => {
  it('takes hosts and ports, with 4222 where none is given', () => {
    expect(parseServerUrls(['nats://bus.internal', 'nats://127.0.0.1:5222', 'nats://[::1]:4333'])).toEqual({
      servers: ['bus.internal:4222', '127.0.0.1:5222', '[::1]:4333'],
    });
  });

  it('takes a user with password, also one whose digits look like a port, or a token', () => {
    expect(parseServerUrls(['nats://a', 'nats://me:1234@b:4222'])).toEqual({
      servers: ['a:4222', 'b:4222'],
      user: 'me',
      pass: '1234',
    });
    expect(parseServerUrls(['nats://me:p%40ss%3A@b'])).toMatchObject({ user: 'me', pass: 'p@ss:' });
    expect(parseServerUrls(['nats://t0ken@b'])).toEqual({ servers: ['b:4222'], token: 't0ken' });
  });

  it('asks for TLS with tls://', () => {
    expect(parseServerUrls(['tls://bus:4443'])).toEqual({ servers: ['bus:4443'], tls: {} });
  });

  it.each(['', 'bus:4222', 'http://bus', 'nats://', 'ws://u:s3cret@bus'])(
    'refuses %p and does not repeat it: it may hold a password',
    (url) => {
      const parse = (): unknown => parseServerUrls(['nats://a', url]);
      expect(parse).toThrow(/^URL 2 of the NATS servers is not/);
      expect(parse).not.toThrow(/s3cret/);
    },
  );

  it('refuses an empty list', () => {
    expect(() => parseServerUrls([])).toThrow(/no URL/);
  });
});
