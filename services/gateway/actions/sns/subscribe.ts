/**
 * Subscribe: registers an HTTP or HTTPS endpoint, pending until it confirms.
 *
 * Idempotent by (topic, protocol, endpoint, owner); a pending one gets a fresh confirmation, and
 * tokens sent earlier stay valid. The subscription is stored before its confirmation is appended:
 * a crash between leaves a pending subscription that the caller's retry completes.
 */

import { randomUUID } from 'node:crypto'
import { subscriptionArnOf } from '#shared/catalog'
import { InvalidParameterError, type Parameters } from '#shared/sns-wire'
import type { Action } from '../../action.ts'
import { findOrCreateSubscription } from '../../change-subscription.ts'
import { checkEndpoint } from '../../check-endpoint.ts'
import { echo } from '../../echo.ts'
import { unsupported } from '../../refuse-unsupported.ts'
import { readBoolean, requireParameter } from '../../require-parameter.ts'
import { resolveTopic } from '../../resolve-topic.ts'

export const subscribe: Action = {
  name: 'Subscribe',
  signature: 'required',
  async run({ parameters, caller }, { catalog, topicTurns, appendConfirmation, endpointNetworks, clock }) {
    const { arn: topicArn } = resolveTopic(parameters.get('TopicArn'), { caller, action: 'Subscribe' })
    const { protocol, endpoint } = checkEndpoint({
      protocol: requireParameter(parameters, 'Protocol'),
      endpoint: parameters.get('Endpoint'),
      networks: endpointNetworks,
    })
    checkSubscriptionAttributes(parameters)
    const returnArn = readBoolean(parameters, 'ReturnSubscriptionArn')
    const { account: owner, arn: principal } = caller.principal
    const subscription = await topicTurns.inTurn(topicArn, () =>
      findOrCreateSubscription(catalog, {
        topicArn,
        isWanted: (one) => one.protocol === protocol && one.endpoint === endpoint && one.owner === owner,
        // One that was unsubscribed by its link starts over as pending, under the ARN it had.
        revive: (existing) => (existing.state === 'deleted' ? { ...existing, state: 'pending' } : undefined),
        fresh: (incarnation) => ({
          id: randomUUID(),
          topicArn,
          incarnation,
          protocol,
          endpoint,
          owner,
          principal,
          state: 'pending',
          confirmationWasAuthenticated: false,
          createdAt: clock.now(),
        }),
      }),
    )
    if (subscription.state === 'pending') await appendConfirmation(subscription, 'subscribe')
    const shown = subscription.state === 'confirmed' || returnArn
    return [['SubscriptionArn', shown ? subscriptionArnOf(topicArn, subscription.id) : 'pending confirmation']]
  },
}

/** Only values that equal the defaults pass: the others need what delivery does not do yet. */
function checkSubscriptionAttributes(parameters: Parameters): void {
  for (const [name, value] of parameters.map('Attributes')) {
    switch (name) {
      case 'RawMessageDelivery':
        if (value.toLowerCase() === 'false') break
        if (value.toLowerCase() === 'true') throw unsupported('RawMessageDelivery')
        throw new InvalidParameterError(
          `Invalid parameter: Attributes Reason: RawMessageDelivery: Invalid value [${echo(value)}]. Must be true or false.`,
        )
      case 'FilterPolicyScope':
      case 'FilterPolicy':
      case 'RedrivePolicy':
      case 'DeliveryPolicy':
      case 'SubscriptionRoleArn':
      case 'ReplayPolicy':
        throw unsupported(name)
      default:
        throw new InvalidParameterError('Invalid parameter: AttributeName')
    }
  }
}
