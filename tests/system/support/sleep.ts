/** In real time: for what a test of real processes waits for, and nothing announces. */
export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
