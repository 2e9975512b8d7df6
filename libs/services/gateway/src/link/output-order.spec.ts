import { textOf } from '../gateway-stage.fixture';
import { OutputOrder, type NumberedOutput } from './output-order';

const output = (outSeq: number, epoch = 1): NumberedOutput => ({
  epoch,
  outSeq,
  output: textOf(1, `${epoch}/${outSeq}`),
});
const numbers = (outputs: readonly NumberedOutput[]): number[] => outputs.map(({ outSeq }) => outSeq);

describe('owner output', () => {
  it('comes out in order, whatever order it came in', () => {
    const order = new OutputOrder(0);
    expect(numbers(order.accept(output(3)))).toEqual([]);
    expect(numbers(order.accept(output(2)))).toEqual([]);
    expect(numbers(order.accept(output(1)))).toEqual([1, 2, 3]);
    expect(numbers(order.accept(output(4)))).toEqual([4]);
  });

  it('comes out once, however often it comes in', () => {
    const order = new OutputOrder(0);
    order.accept(output(1));
    expect(order.accept(output(1))).toEqual([]);
    order.accept(output(3));
    order.accept(output(3));
    expect(numbers(order.accept(output(2)))).toEqual([2, 3]);
    expect(order.accept(output(3))).toEqual([]);
  });

  it('is acknowledged only up to the first hole', () => {
    const order = new OutputOrder(0);
    expect(order.lastOutSeq).toBe(0);
    order.accept(output(1));
    order.accept(output(3));
    expect(order.lastOutSeq).toBe(1);
    order.accept(output(2));
    expect(order.lastOutSeq).toBe(3);
  });

  it('goes on with the numbers of the older owner, and repeats nothing of them', () => {
    const order = new OutputOrder(0);
    order.accept(output(1, 1));
    order.accept(output(2, 1));
    expect(order.accept(output(2, 2))).toEqual([]);
    expect(numbers(order.accept(output(3, 2)))).toEqual([3]);
  });

  it('behind a hole is taken from the newer owner when both have sent it', () => {
    const order = new OutputOrder(0);
    order.accept(output(2, 1));
    order.accept(output(2, 2));
    expect(order.accept(output(1, 2)).map(({ epoch }) => epoch)).toEqual([2, 2]);
  });

  it('behind a hole is not taken from the older owner once the newer one speaks, which may give its number to another', () => {
    const order = new OutputOrder(0);
    order.accept(output(2, 1));
    expect(numbers(order.accept(output(1, 2)))).toEqual([1]);
    expect(order.accept(output(2, 1))).toEqual([]);
    expect(order.accept(output(2, 2)).map(({ epoch }) => epoch)).toEqual([2]);
  });
});
