/**
 * Decides requests for a while, none of them from a cache, by ten statements with conditions, as a gateway does for a topic with a
 * policy: five of the publisher's own, five of the topic's. The last of each is the one that counts, so that all are looked at.
 */

import { type AccessRequest, compilePolicy, decideByUnion } from '#shared/policy'
import { rateOf } from './rate-of.ts'
import { serveParent } from './serve-parent.ts'

export type DecideLoop = {
  /** @returns decisions a second */
  decide(o: { seconds: number }): number
  /** Reads the topic's policy. @returns documents a second */
  compile(o: { seconds: number }): number
}

const OWN = '000000000000'
const OTHER = '111122223333'
/** Made beforehand, so that requests differ and look-ups by them are not remembered. */
const REQUESTS = 1024

const NOON = Date.UTC(2026, 2, 1, 12)

const identity = statements('identity')
const resource = statements('resource')
const subject = {
  kind: 'role-session' as const,
  arn: `arn:aws:sts::${OTHER}:assumed-role/shop/monday`,
  roleArn: `arn:aws:iam::${OTHER}:role/app/shop`,
  account: OTHER,
  policies: [{ name: 'publish', policy: compilePolicy(identity, { kind: 'identity' }) }],
}
const topicPolicy = compilePolicy(resource, { kind: 'resource' })
const requests = Array.from(
  { length: REQUESTS },
  (_, index): AccessRequest => ({
    subject,
    action: 'sns:Publish',
    resource: `arn:aws:sns:us-east-1:${OWN}:orders-${index}`,
    resourceAccount: OWN,
    context: new Map([
      ['aws:sourceip', `10.${index & 0xff}.0.${index >> 2}`],
      ['aws:securetransport', 'true'],
      ['aws:currenttime', new Date(NOON + index).toISOString()],
      ['aws:principalarn', subject.roleArn],
      ['aws:principalaccount', OTHER],
      ['aws:principalorgid', 'o-abcdefghij'],
      ['aws:principaltag/team', 'orders'],
      ['aws:useragent', 'aws-sdk-js/3.1169.0'],
    ]),
  }),
)

const calls: DecideLoop = {
  decide({ seconds }) {
    return rateOf(seconds, requests, (request) => {
      if (!decideByUnion(request, topicPolicy).allowed) throw new Error('Refused what the policies allow')
    })
  },
  compile({ seconds }) {
    return rateOf(seconds, [resource], (text) => void compilePolicy(text, { kind: 'resource' }))
  },
}

function statements(kind: 'identity' | 'resource'): string {
  const principal = (Principal: unknown) => (kind === 'resource' ? { Principal } : {})
  const topics = `arn:aws:sns:*:${OWN}:orders-*`
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Deny',
        ...principal('*'),
        Action: 'sns:*',
        Resource: '*',
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
      {
        Effect: 'Deny',
        ...principal('*'),
        Action: ['sns:Publish', 'sns:Subscribe'],
        Resource: topics,
        Condition: { NotIpAddress: { 'aws:SourceIp': ['192.0.2.0/24', '10.0.0.0/8', '2001:db8::/32'] } },
      },
      {
        Effect: 'Deny',
        ...principal('*'),
        Action: 'sns:*',
        Resource: topics,
        Condition: { DateGreaterThan: { 'aws:CurrentTime': '2030-01-01T00:00:00Z' } },
      },
      {
        Effect: 'Allow',
        ...principal({ AWS: [OTHER, `arn:aws:iam::${OTHER}:user/billing`] }),
        Action: ['sns:Subscribe', 'sns:Get*', 'sns:List*'],
        Resource: topics,
        Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-abcdefghij' } },
      },
      {
        Effect: 'Allow',
        ...principal({ AWS: [`arn:aws:iam::${OTHER}:role/app/shop`, `arn:aws:iam::${OTHER}:user/billing`] }),
        Action: 'SNS:Publish',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the policy
        Resource: 'arn:aws:sns:*:000000000000:${aws:PrincipalTag/team}-*',
        Condition: {
          ArnLike: { 'aws:PrincipalArn': `arn:aws:iam::${OTHER}:role/app/*` },
          StringLike: { 'aws:UserAgent': '*aws-sdk*' },
          StringEqualsIfExists: { 'aws:PrincipalAccount': OTHER },
        },
      },
    ],
  })
}

serveParent(calls)
