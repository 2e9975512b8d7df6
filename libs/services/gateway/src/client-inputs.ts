import {
  policyOfWire,
  type ClientEvent,
  type ClientItem,
  type ItemDraft,
  type ResponseInput,
  type ResponseOptions,
  type ResponseWishes,
  type ResponseId,
  type SessionInput,
  type SessionPatch,
  type SessionUpdate,
  type ToolChoice,
  type ToolDefinition,
  type WireTool,
  type WireToolChoice,
  type WireVoice,
} from '@parley/model';
import type { RandomPort } from '@parley/ports';

type Durable = Exclude<ClientEvent, { type: 'parley.playback' | 'parley.ping' }>;

/** What the owner must know of the connection at the moment of an interruption. */
export type DeliverySnapshot = Pick<Extract<SessionInput, { kind: 'interrupted' }>, 'writtenOrdinal' | 'delivery'>;

/** The durable input a client's event stands for; ids it leaves open are drawn here, so that the engine stays pure. */
export function inputOf(event: Durable, random: RandomPort, snapshot: () => DeliverySnapshot): SessionInput {
  const draw = new Draws(random);
  switch (event.type) {
    case 'parley.speech.started':
    case 'parley.speech.stopped':
    case 'parley.transcript.partial':
    case 'parley.transcript.speculative':
    case 'parley.transcript.resumed':
    case 'parley.transcript.final':
      return utteranceOf(event, draw, snapshot);
    case 'parley.say': {
      const { text, interruptible } = event;
      return { kind: 'said', ...draw.turn(), text, ...(interruptible === undefined ? {} : { interruptible }) };
    }
    case 'response.create':
      return { kind: 'response-requested', ...draw.turn(), options: optionsOf(event.response ?? {}, draw) };
    case 'conversation.item.create':
      return itemCreated(event, draw);
    case 'conversation.item.retrieve':
      return { kind: 'item-retrieved', itemId: event.item_id };
    case 'conversation.item.delete':
      return { kind: 'item-deleted', itemId: event.item_id };
    case 'parley.interrupt':
      return { kind: 'interrupted', ...named(event.response_id), ...snapshot() };
    case 'response.cancel':
      return { kind: 'response-cancelled', ...named(event.response_id), ...snapshot() };
    case 'conversation.item.truncate': {
      const { delivery } = snapshot();
      return { kind: 'item-truncated', itemId: event.item_id, audioEndMs: event.audio_end_ms, delivery };
    }
    case 'parley.mute':
      return { kind: 'mute-changed', muted: event.muted };
    case 'parley.policy.update':
      return { kind: 'policy-updated', patch: policyOfWire(event.policy) };
    case 'session.update': {
      const { session } = event;
      const { model } = session;
      return { kind: 'session-updated', patch: patchOf(session), ...(model === undefined ? {} : { model }) };
    }
  }
}

/** Ids that a client's event leaves open. */
class Draws {
  constructor(private readonly random: RandomPort) {}

  itemId(): string {
    return `item_${this.random.hex(12)}`;
  }

  callId(): string {
    return `call_${this.random.hex(12)}`;
  }

  turn(): { turnId: string; responseId: ResponseId; answerId: string } {
    const { random } = this;
    return { turnId: `turn_${random.hex(12)}`, responseId: `resp_${random.hex(12)}`, answerId: this.itemId() };
  }
}

type Utterance = Extract<Durable, { type: `parley.${'speech' | 'transcript'}.${string}` }>;

/** What the user says, as the client hears it. */
function utteranceOf(event: Utterance, draw: Draws, snapshot: () => DeliverySnapshot): SessionInput {
  switch (event.type) {
    case 'parley.speech.started':
      return { kind: 'speech-started', delivery: snapshot().delivery };
    case 'parley.speech.stopped':
      return { kind: 'speech-stopped' };
    case 'parley.transcript.partial': {
      const { delivery } = snapshot();
      return { kind: 'partial-transcript', turnId: event.turn_id, text: event.text, delivery };
    }
    case 'parley.transcript.speculative':
      return { kind: 'speculative-transcript', turnId: event.turn_id, text: event.text };
    case 'parley.transcript.resumed':
      return { kind: 'speech-resumed', turnId: event.turn_id };
    case 'parley.transcript.final': {
      const { turnId, ...ids } = draw.turn();
      const { turn_id: given = turnId, text } = event;
      return { kind: 'final-transcript', turnId: given, text, itemId: draw.itemId(), ...ids };
    }
  }
}

/** What a client's session object changes here. */
export function patchOf(session: SessionUpdate): SessionPatch {
  const { type: _type, model: _model, reasoning: _reasoning, parallel_tool_calls: _parallel, ...named } = session;
  const { instructions, tools, tool_choice: choice, audio, ...plain } = named;
  const { voice, ...output } = audio?.output ?? {};
  const sound = {
    ...(audio?.input === undefined ? {} : { input: audio.input }),
    ...(Object.keys(output).length === 0 ? {} : { output }),
  };
  const settings = { ...plain, ...(Object.keys(sound).length === 0 ? {} : { audio: sound }) };
  return {
    ...(instructions === undefined ? {} : { instructions }),
    ...(voice === undefined ? {} : { voice: voiceOf(voice) }),
    ...(tools === undefined ? {} : { tools: tools.map(toolOf) }),
    ...(choice === undefined ? {} : { toolChoice: choiceOf(choice) }),
    ...(Object.keys(settings).length === 0 ? {} : { settings }),
  };
}

const voiceOf = (voice: WireVoice): string => (typeof voice === 'string' ? voice : voice.id);
const toolOf = ({ type: _function, ...tool }: WireTool): ToolDefinition => tool;
const choiceOf = (choice: WireToolChoice): ToolChoice => (typeof choice === 'string' ? choice : { name: choice.name });

/** What a client wants of one response. */
function optionsOf(wishes: ResponseWishes, draw: Draws): ResponseOptions {
  const { audio, conversation, input, instructions, metadata, tools, tool_choice: choice } = wishes;
  const { max_output_tokens: maxOutputTokens, output_modalities: modalities } = wishes;
  const { format, voice } = audio?.output ?? {};
  return {
    ...(conversation === 'none' ? { outOfBand: true } : {}),
    ...(input === undefined ? {} : { input: input.map((item) => givenOf(item, draw)) }),
    ...(instructions === undefined ? {} : { instructions }),
    ...(tools === undefined ? {} : { tools: tools.map(toolOf) }),
    ...(choice === undefined ? {} : { toolChoice: choiceOf(choice) }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(modalities === undefined ? {} : { modality: modalities[0] }),
    ...(format === undefined ? {} : { format }),
    ...(voice === undefined ? {} : { voice: voiceOf(voice) }),
    ...(metadata === undefined || metadata === null ? {} : { metadata }),
  };
}

function givenOf(item: NonNullable<ResponseWishes['input']>[number], draw: Draws): ResponseInput {
  switch (item.type) {
    case 'item_reference':
      return { role: 'reference', itemId: item.id };
    case 'function_call_output':
      return { role: 'result', callId: item.call_id, output: item.output };
    case 'message':
    case 'function_call':
      return draftOf(item, draw);
  }
}

function draftOf(item: Exclude<ClientItem, { type: 'function_call_output' }>, draw: Draws): ItemDraft {
  if (item.type === 'message') {
    const parts = item.content.map((part) => part.text);
    const said = { text: parts.join('\n'), ...(parts.length > 1 ? { parts } : {}) };
    if (item.role !== 'assistant') return { role: item.role, ...said };
    return { role: item.role, ...said, ...(item.status === 'incomplete' ? { interrupted: true } : {}) };
  }
  const { call_id: callId = draw.callId(), name, arguments: text } = item;
  return { role: 'call', call: { callId, name, arguments: text } };
}

function itemCreated(
  { item, previous_item_id: previous }: Extract<ClientEvent, { type: 'conversation.item.create' }>,
  draw: Draws,
): SessionInput {
  const itemId = item.id ?? draw.itemId();
  // "root" puts an item at the front; absent (or null) appends.
  const place =
    previous === undefined || previous === null ? {} : { previousItemId: previous === 'root' ? null : previous };
  return item.type === 'function_call_output'
    ? { kind: 'call-answered', itemId, callId: item.call_id, output: item.output, ...place }
    : { kind: 'item-created', itemId, item: draftOf(item, draw), ...place };
}

const named = (responseId: ResponseId | undefined): { responseId?: ResponseId } =>
  responseId === undefined ? {} : { responseId };
