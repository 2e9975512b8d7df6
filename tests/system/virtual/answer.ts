/** What the scripted model answers when a test says nothing else, in the segments that a voice gets. */
export const FIRST = 'One two three four five six. ';
export const SECOND = 'Seven eight nine ten eleven twelve.';
export const ANSWER = FIRST + SECOND;
