import { call } from './api.js';
import { byId, el } from './dom.js';

let conversationId = null;

export function openAssistant(onFault) {
  const form = byId('assistant-form');
  const question = byId('question');
  form.addEventListener('submit', async event => {
    event.preventDefault();
    const message = question.value.trim();
    if (!message) {
      return;
    }
    say('mine', message);
    form.querySelector('button').disabled = true;
    try {
      const answer = await call('/api/v1/ai/chat', { method: 'POST', body: conversationId ? { message, conversationId } : { message } });
      conversationId = answer.conversationId;
      question.value = '';
      const tools = (answer.toolCalls ?? []).map(tool => tool.name).join(', ');
      say('theirs', answer.message.content, [answer.model, tools && `looked at ${tools}`].filter(Boolean).join(' · '));
    } catch (fault) {
      onFault(fault);
    } finally {
      form.querySelector('button').disabled = false;
      question.focus();
    }
  });
}

function say(whose, text, source) {
  const conversation = byId('conversation');
  conversation.append(el('p', { class: whose }, text, source ? el('br') : null, source ? el('small', {}, source) : null));
  conversation.scrollTop = conversation.scrollHeight;
}
