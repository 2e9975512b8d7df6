import {
  CONVERSATION_LANE,
  DEFAULT_VOICE,
  type ClientError,
  type ClientEventBody,
  type CutReason,
  type InterruptReason,
  type ItemId,
  type OwnerOutput,
  type ResponseId,
  type ResponseStatus,
  type ToolCall,
  type Usage,
} from '@parley/model';

type Announce = Extract<OwnerOutput, { kind: 'announce' }>;

/** How a response ended, as the closing events say it. */
export type Closing =
  | { status: Exclude<ResponseStatus, 'cancelled'>; cutBy: CutReason | null; error: ClientError | null; usage: Usage }
  | { status: 'cancelled'; reason: InterruptReason; usage: Usage };

/**
 * The Realtime API's events of one response (openai-realtime.md §5.1), built from the owner's compact outputs. Note the
 * asymmetry of that API: a part's type is `audio`, its item's content type `output_audio`. Out of band the conversation has no
 * item of it.
 */
export class ResponseEvents {
  private written = '';
  /** The place of the message among the output items; undefined until its first text or audio. */
  private messageIndex: number | undefined;
  /** Items in the order of their places, as `response.done` lists them. */
  private readonly calls = new Map<number, Record<string, unknown>>();
  private newestItemId: ItemId | null;
  private previousOfMessage: ItemId | null = null;

  constructor(
    private readonly announce: Announce,
    private readonly conversationId: string,
  ) {
    this.newestItemId = announce.previousItemId;
  }

  created(): ClientEventBody[] {
    return [{ type: 'response.created', response: this.response('in_progress', null, [], null) }];
  }

  /** Before the first text or audio. */
  open(): ClientEventBody[] {
    if (this.messageIndex !== undefined) return [];
    this.messageIndex = this.calls.size;
    const item = this.item('in_progress', []);
    const previous = this.follow(this.itemId);
    return [
      { type: 'response.output_item.added', response_id: this.responseId, output_index: this.messageIndex, item },
      ...this.inConversation('added', previous, item),
      { type: 'response.content_part.added', ...this.place(), part: this.part('') },
    ];
  }

  text(delta: string): ClientEventBody[] {
    this.written += delta;
    const type = this.isText ? 'response.output_text.delta' : 'response.output_audio_transcript.delta';
    return [...this.open(), { type, ...this.place(), delta }];
  }

  /** A function the model calls: complete as soon as it is known, whatever of the message is still to be heard. */
  call(id: ItemId, { callId, name, arguments: text }: ToolCall): ClientEventBody[] {
    const index = this.calls.size + (this.messageIndex === undefined ? 0 : 1);
    const place = { response_id: this.responseId, item_id: id, output_index: index, call_id: callId };
    const item = (status: string, text: string): Record<string, unknown> => ({
      ...{ id, type: 'function_call', status, call_id: callId, name, arguments: text },
    });
    const done = item('completed', text);
    const previous = this.follow(id);
    this.calls.set(index, done);
    const added = item('in_progress', '');
    return [
      { type: 'response.output_item.added', response_id: this.responseId, output_index: index, item: added },
      ...this.inConversation('added', previous, added),
      { type: 'response.function_call_arguments.delta', ...place, delta: text },
      { type: 'response.function_call_arguments.done', ...place, name, arguments: text },
      ...this.inConversation('done', previous, done),
      { type: 'response.output_item.done', response_id: this.responseId, output_index: index, item: done },
    ];
  }

  /** The closing chain; `response.done` is its last event, but for what the model's provider says of its limits. */
  close(closing: Closing): ClientEventBody[] {
    const itemStatus = closing.status === 'completed' ? 'completed' : 'incomplete';
    const part = this.part(this.written);
    const item = this.item(itemStatus, [{ ...part, type: `output_${part.type}` }]);
    const index = this.messageIndex;
    const isOpen = index !== undefined;
    const parts: ClientEventBody[] = isOpen
      ? [
          ...this.contentDone(),
          { type: 'response.content_part.done', ...this.place(), part },
          ...this.inConversation('done', this.previousOfMessage, item),
          { type: 'response.output_item.done', response_id: this.responseId, output_index: index, item },
        ]
      : [];
    const output: unknown[] = [...this.calls.values()];
    if (isOpen) output.splice(index, 0, item);
    const response = this.response(closing.status, statusDetails(closing), output, usageObject(closing.usage));
    return [...parts, { type: 'response.done', response }, ...rateLimitsUpdated(closing.usage)];
  }

  /** One audio delta as the text of its event; built by hand because it is the hot path of JSON clients. */
  audioDelta(
    type: string,
    eventId: string,
    base64: string,
    place: { segment: number; firstSample: number } | undefined,
  ): string {
    const { responseId, itemId } = this.announce;
    const where = place ? `"segment":${place.segment},"first_sample":${place.firstSample},` : '';
    return (
      `{"type":"${type}","event_id":"${eventId}","response_id":"${responseId}",` +
      `"item_id":${JSON.stringify(itemId)},"output_index":${this.messageIndex ?? 0},"content_index":0,${where}"delta":"${base64}"}`
    );
  }

  get responseId(): ResponseId {
    return this.announce.responseId;
  }

  get itemId(): ItemId {
    return this.announce.itemId;
  }

  private get isText(): boolean {
    return this.announce.modality === 'text';
  }

  private get isOutOfBand(): boolean {
    return this.announce.lane !== CONVERSATION_LANE;
  }

  private part(written: string): { type: 'text' | 'audio' } & Record<string, string> {
    return this.isText ? { type: 'text', text: written } : { type: 'audio', transcript: written };
  }

  private contentDone(): ClientEventBody[] {
    const { written } = this;
    if (this.isText) return [{ type: 'response.output_text.done', ...this.place(), text: written }];
    return [
      { type: 'response.output_audio.done', ...this.place() },
      { type: 'response.output_audio_transcript.done', ...this.place(), transcript: written },
    ];
  }

  private inConversation(step: 'added' | 'done', previous: ItemId | null, item: unknown): ClientEventBody[] {
    return this.isOutOfBand ? [] : [{ type: `conversation.item.${step}`, previous_item_id: previous, item }];
  }

  /** What stands before a new item of this response. */
  private follow(id: ItemId): ItemId | null {
    const previous = this.newestItemId;
    this.newestItemId = id;
    if (id === this.itemId) this.previousOfMessage = previous;
    return previous;
  }

  private place(): Record<string, unknown> {
    return {
      response_id: this.responseId,
      item_id: this.itemId,
      output_index: this.messageIndex ?? 0,
      content_index: 0,
    };
  }

  private item(status: string, content: unknown[]): Record<string, unknown> {
    return { id: this.itemId, type: 'message', status, role: 'assistant', content };
  }

  private response(
    status: string,
    details: unknown,
    output: unknown[],
    usage: Record<string, unknown> | null,
  ): Record<string, unknown> {
    return {
      object: 'realtime.response',
      id: this.responseId,
      status,
      status_details: details,
      output,
      conversation_id: this.isOutOfBand ? null : this.conversationId,
      output_modalities: [this.announce.modality],
      max_output_tokens: this.announce.maxOutputTokens,
      audio: {
        output: { format: this.announce.format, voice: this.announce.voice ?? DEFAULT_VOICE },
      },
      usage,
      metadata: this.announce.metadata,
    };
  }
}

function statusDetails(closing: Closing): Record<string, unknown> | null {
  switch (closing.status) {
    case 'completed':
      return null;
    case 'cancelled':
      return { type: 'cancelled', reason: closing.reason };
    case 'incomplete':
      return { type: 'incomplete', ...(closing.cutBy ? { reason: closing.cutBy } : {}) };
    case 'failed': {
      const { error } = closing;
      return { type: 'failed', error: error && { type: error.type, code: error.code, message: error.message } };
    }
  }
}

function rateLimitsUpdated({ rateLimits }: Usage): ClientEventBody[] {
  if (!rateLimits) return [];
  const limits = rateLimits.map(({ resetSeconds, ...each }) => ({ ...each, reset_seconds: resetSeconds }));
  return [{ type: 'rate_limits.updated', rate_limits: limits }];
}

function usageObject(usage: Usage): Record<string, unknown> {
  const { inputTokens, outputTokens } = usage;
  const cached = { text_tokens: 0, audio_tokens: 0, image_tokens: 0 };
  return {
    total_tokens: inputTokens + outputTokens,
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    input_token_details: {
      text_tokens: inputTokens,
      audio_tokens: 0,
      image_tokens: 0,
      cached_tokens: 0,
      cached_tokens_details: cached,
    },
    output_token_details: { text_tokens: outputTokens, audio_tokens: 0 },
  };
}
