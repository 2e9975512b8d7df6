/**
 * The same type with intersections merged, so that `{ a } & { b }` and `{ a; b }` compare as equal while `a?: T` and
 * `a?: T | undefined` do not.
 */
export type Merged<T> = T extends object ? { [K in keyof T]: Merged<T[K]> } : T;

/** True for identical types only: assignability both ways would let a field that is optional on one side slip through. */
export type IsSame<A, B> =
  (<T>() => T extends Merged<A> ? 1 : 2) extends <T>() => T extends Merged<B> ? 1 : 2 ? true : false;

/** Keys whose types are not identical in both. */
export type Disagreement<A, B extends Record<keyof A, unknown>> = {
  [K in keyof A]: IsSame<A[K], B[K]> extends true ? never : K;
}[keyof A];

/** The compiler refuses anything but `never` here and names the rest: `AssertNone<Disagreement<Parsed, Model>>`. */
export type AssertNone<T extends never> = T;
