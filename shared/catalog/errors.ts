import { BrokerError } from '#shared/errors'

/** So many others changed the same topic meanwhile that this change never got its turn: nothing was stored. */
export class TopicContendedError extends BrokerError {
  override readonly code = 'TOPIC_CONTENDED'
  override readonly fault = 'receiver'
  override readonly retryable = true

  constructor() {
    super('Cannot change the topic: it kept being changed by others meanwhile')
  }
}
