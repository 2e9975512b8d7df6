import { deliveryCases } from './bus-delivery-cases';
import { BusKit, type BusCase, type BusSubject } from './bus-kit';
import { linkCases } from './bus-link-cases';
import { requestCases } from './bus-request-cases';

export type { BusSubject } from './bus-kit';

/** What every adapter of the bus does, case by case; none depends on which adapter it is. */
export function describeBusConformance(name: string, makeSubject: () => Promise<BusSubject>): void {
  const declare = (cases: readonly BusCase[]): void => {
    for (const { title, check } of cases) {
      it(title, async () => {
        const subject = await makeSubject();
        try {
          await subject.run(() => check(new BusKit(subject)));
        } finally {
          await subject.run(() => subject.dispose());
        }
      });
    }
  };
  describe(`${name} as a bus`, () => {
    describe('publish and subscribe', () => declare(deliveryCases));
    describe('requests', () => declare(requestCases));
    describe('links and ends', () => declare(linkCases));
  });
}
