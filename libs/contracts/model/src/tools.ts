/** A function the client offers to the model (`session.tools` of the Realtime API). */
export interface ToolDefinition {
  name: string;
  description?: string;
  /** JSON Schema of its arguments, passed on as it is. */
  parameters?: Record<string, unknown>;
}

/** Whether the model may, must not or must call a tool, or which one. */
export type ToolChoice = 'auto' | 'none' | 'required' | { name: string };

/** A call as the model made it. `arguments` is JSON text as the model wrote it, which need not parse. */
export interface ToolCall {
  callId: string;
  name: string;
  arguments: string;
}
