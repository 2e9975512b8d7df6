import { jsonBytes, largestField } from './json-size';

describe('the size of JSON', () => {
  it.each<[string, object]>([
    ['ASCII', { a: 'x"\\\n' }],
    ['two bytes a character', ['äöß¿']],
    ['three bytes a character', ['日本語 €']],
    ['four bytes a character', ['a😀𝄞b']],
    ['half a pair', ['\ud83d', '\ude00', 'x\ud83dy']],
    ['control characters', ['\u0001\u001f\u007f']],
    ['numbers that grow when they are written', [1e20, -1e-6, 1e21]],
    ['what JSON leaves out', { a: undefined, b: null }],
  ])('is what an encoder makes of it: %s', (_what, value) => {
    expect(jsonBytes(value)).toBe(Buffer.byteLength(JSON.stringify(value)));
  });

  it('is most of all that of the largest field', () => {
    expect(largestField({ a: 'xxx', b: ['語語'], c: 1e20 })).toBe('c');
    expect(largestField({ a: 'x'.repeat(30), b: ['語語'], c: undefined })).toBe('a');
  });
});
