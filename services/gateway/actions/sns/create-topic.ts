/** CreateTopic: creates a standard topic or confirms that an equal one exists. */

import { randomBytes } from 'node:crypto'
import { topicArnOf } from '#shared/catalog'
import { checkTopicName, InvalidParameterError } from '#shared/sns-wire'
import type { Action } from '../../action.ts'
import { refuseUnsupported, unsupported } from '../../refuse-unsupported.ts'
import { attributesAgree, readTopicAttributes } from '../../topic-attributes.ts'

/** Longer than a change takes to be settled, by clocks that may differ. */
const RECENT_MS = 60_000

export const createTopic: Action = {
  name: 'CreateTopic',
  signature: 'required',
  async run({ parameters, caller }, { authorize, catalog, topicChanges, announceSnsKey, keyChecks, clock }) {
    refuseUnsupported(parameters, ['Tags', 'DataProtectionPolicy'])
    const entries = parameters.map('Attributes')
    const wanted = parameters.get('Name')
    // Said before the name is checked as a standard topic's, which a FIFO topic's never is.
    if (wanted?.endsWith('.fifo') && isFifo(entries)) throw unsupported('FifoTopic')
    const name = checkTopicName(wanted)
    if (isFifo(entries)) throw new InvalidParameterError('Invalid parameter: Topic Name')
    const account = caller.principal.account
    const arn = topicArnOf({ region: caller.region, account, name })
    authorize(caller, 'CreateTopic', { arn, account })
    const attributes = readTopicAttributes(entries, { arn, owner: account })
    const { created, topic } = await catalog.createTopic({
      arn,
      // A topic deleted and created again is a new one: entries of the old one are dropped.
      incarnation: randomBytes(16).toString('hex'),
      owner: account,
      createdAt: clock.now(),
      attributes,
    })
    const keyId = attributes.kmsMasterKeyId
    if (created && keyId !== undefined) announceSnsKey({ topicArn: arn, keyId, principal: caller.principal.publisher })
    // Another gateway may still know an earlier topic of the name, whose messages nobody gets any more. Who finds
    // the topic there must not be faster than who has just created it.
    if (created || clock.now() - topic.createdAt < RECENT_MS) await topicChanges.settle(arn)
    if (!created && !attributesAgree(entries, attributes, topic.attributes)) {
      throw new InvalidParameterError(
        'Invalid parameter: Attributes Reason: Topic already exists with different attributes',
      )
    }
    const principal = caller.principal.roleArn ?? caller.principal.arn
    if (created && keyId !== undefined) keyChecks.request({ topicArn: arn, keyId, principal })
    return [['TopicArn', arn]]
  },
}

function isFifo(entries: readonly (readonly [string, string])[]): boolean {
  return entries.some(([key, value]) => key === 'FifoTopic' && value.toLowerCase() === 'true')
}
