import {
  byteCases,
  expiryCases,
  leaseCases,
  linkCases,
  outageCases,
  removeCases,
  secretCases,
  tombstoneCases,
} from './store-life-cases';
import { claimCases, fenceCases, raceCases, releaseCases, writeBackCases, writeCases } from './store-ownership-cases';
import type { Scene, StoreSubject } from './store-scene';

export type { StoreSubject } from './store-scene';

/** What every session store must do, whatever is behind it. */
export function describeStoreConformance(name: string, makeSubject: () => Promise<StoreSubject>): void {
  describe(`session store conformance: ${name}`, () => {
    let scene: Scene | undefined;
    const current = (): Scene => {
      if (scene === undefined) throw new Error('the subject was not made');
      return scene;
    };
    beforeEach(async () => {
      const subject = await makeSubject();
      scene = { subject, ours: await subject.connect(), theirs: await subject.connect() };
    });
    afterEach(async () => {
      const { subject, ours, theirs } = current();
      scene = undefined;
      await Promise.all([ours.close(), theirs.close()]);
      await subject.close();
    });
    describe('claim', () => claimCases(current));
    describe('claims at the same time', () => raceCases(current));
    describe('write', () => writeCases(current));
    describe('write by another owner', () => fenceCases(current));
    describe('write-back after the store lost data', () => writeBackCases(current));
    describe('release', () => releaseCases(current));
    describe('remove', () => removeCases(current));
    describe('tombstone', () => tombstoneCases(current));
    describe('expiry', () => expiryCases(current));
    describe('lease', () => leaseCases(current));
    describe('secret', () => secretCases(current));
    describe('bytes', () => byteCases(current));
    describe('outage', () => outageCases(current));
    describe('link', () => linkCases(current));
  });
}
