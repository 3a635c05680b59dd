/** SNS's own encryption context: what key policies for SNS topics are written against. */
export function contextOf(topicArn: string): Record<string, string> {
  return { 'aws:sns:topicArn': topicArn }
}
