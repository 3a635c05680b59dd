import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { AccessRequest, Decision, Lacking, Subject } from '#shared/policy'
import { missingOf, type Resource, toAscii } from './missing-statements.ts'

const TOPIC = 'arn:aws:sns:eu-west-1:000000000000:orders'
const KEY = 'arn:aws:kms:eu-west-1:000000000000:key/11111111-2222-4333-8444-555555555555'
const ADA: Subject = { kind: 'user', arn: 'arn:aws:iam::000000000000:user/ada', account: '000000000000', policies: [] }
const PRESENT = { Sid: 'Was', Effect: 'Allow', Principal: '*', Action: 'sns:Subscribe', Resource: TOPIC }

suite('missingOf()', () => {
  test('adds to the statements of a topic that are there, with a Sid of its own', () => {
    for (const Statement of [[PRESENT], PRESENT]) {
      const [missing] = lacking(['resource'], { policy: JSON.stringify({ Version: '2012-10-17', Id: 'x', Statement }) })
      const statement = { Effect: 'Allow', Principal: { AWS: ADA.arn }, Action: 'sns:Publish', Resource: TOPIC }
      assert.deepEqual(missing?.statement, statement)
      const pasted = pastedBy(missing?.command)
      assert.deepEqual(missing?.document, pasted)
      const [first, added] = pasted.Statement
      assert.deepEqual([pasted.Id, first], ['x', PRESENT])
      assert.deepEqual(added, { Sid: added.Sid, ...statement })
      assert.match(added.Sid, /^Preflight[0-9a-f]{8}$/)
    }
  })

  test('names region and resource in commands for topics and keys', () => {
    const [ofTopic] = lacking(['resource'], {})
    assert.ok(ofTopic?.command?.startsWith(`aws sns set-topic-attributes --region eu-west-1 --topic-arn ${TOPIC} `))
    const [ofKey] = lacking(['resource'], { kind: 'key', arn: KEY })
    assert.ok(ofKey?.command?.startsWith(`aws kms put-key-policy --region eu-west-1 --key-id ${KEY} `))
  })

  test('asks for all that SNS needs on a key in one statement, whichever step lacked it', () => {
    for (const belongsIn of ['resource', 'identity'] as const) {
      const [missing] = lacking([belongsIn], { kind: 'key', arn: KEY })
      assert.deepEqual(missing?.statement.Action, ['kms:GenerateDataKey*', 'kms:Decrypt'])
    }
  })

  test('gives a session’s role the identity policy, and no command for a session policy', () => {
    const roleArn = 'arn:aws:iam::000000000000:role/ops'
    const arn = 'arn:aws:sts::000000000000:assumed-role/ops/monday'
    const session: Subject = { ...ADA, kind: 'role-session', arn, roleArn }
    const [identity, ofSession] = lacking(['identity', 'session'], {}, session)
    assert.deepEqual([identity?.policy, identity?.of], ['identity policy', roleArn])
    assert.match(
      identity?.command ?? '',
      /^npm run --silent sealcast -- principals policy put Preflight-[0-9a-f]{8} --arn arn:aws:iam::000000000000:role\/ops <</,
    )
    assert.deepEqual([ofSession?.policy, ofSession?.of, ofSession?.command], ['session policy', arn, undefined])
  })

  test('quotes a name that a shell would act on', () => {
    const evil = "arn:aws:iam::000000000000:user/a'$(reboot)"
    const [missing] = lacking(['identity'], {}, { ...ADA, arn: evil })
    assert.match(missing?.command ?? '', / --arn 'arn:aws:iam::000000000000:user\/a'\\''\$\(reboot\)' <<'POLICY'\n/)
  })

  test('keeps a text that looks like the end of the document inside it', () => {
    const statement = { ...PRESENT, Sid: 'x\nPOLICY\nreboot\u001b\u{1f600}' }
    const [missing] = lacking(['resource'], { policy: JSON.stringify({ Statement: [statement] }) })
    assert.equal(missing?.command?.match(/^POLICY$/gm)?.length, 1)
    assert.deepEqual(pastedBy(missing?.command).Statement[0], statement)
  })

  test('has nothing to add to what is denied', () => {
    const decision: Decision = { allowed: false, reason: 'explicit-deny', lacks: [] }
    assert.deepEqual(missingOf(requestOf(ADA), decision, resourceOf({})), [])
  })
})

suite('toAscii()', () => {
  test('writes JSON that says the same in printable ASCII', () => {
    const value = { text: 'é\u{1f600}\u202e\u0007"\\' }
    const text = toAscii(value)
    assert.match(text, /^[\n\x20-\x7e]+$/)
    assert.deepEqual(JSON.parse(text), value)
  })
})

function lacking(lacks: readonly Lacking[], resource: Partial<Resource>, subject = ADA) {
  const decision: Decision = { allowed: false, reason: 'no-identity-allow', lacks }
  return missingOf(requestOf(subject, resource.arn), decision, resourceOf(resource))
}

function requestOf(subject: Subject, resource = TOPIC): AccessRequest {
  const action = resource === TOPIC ? 'sns:Publish' : 'kms:Decrypt'
  return { subject, action, resource, resourceAccount: '000000000000', context: new Map<string, string>() }
}

function resourceOf(o: Partial<Resource>): Resource {
  return { kind: 'topic', arn: TOPIC, policy: JSON.stringify({ Statement: [PRESENT] }), ...o }
}

/** What the shell would hand to the command. */
function pastedBy(command = '') {
  return JSON.parse(/<<'POLICY'\n([\s\S]*?)\nPOLICY$/.exec(command)?.[1] ?? 'null')
}
