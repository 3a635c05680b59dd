import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { defaultTopicPolicy } from './default-policies.ts'

suite('defaultTopicPolicy()', () => {
  test('is SNS’s document, to the byte', () => {
    assert.equal(
      defaultTopicPolicy('arn:aws:sns:eu-west-1:111122223333:orders', '111122223333'),
      '{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],"Resource":"arn:aws:sns:eu-west-1:111122223333:orders","Condition":{"StringEquals":{"AWS:SourceOwner":"111122223333"}}}]}',
    )
  })
})
