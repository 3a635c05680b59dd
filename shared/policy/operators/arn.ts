/**
 * ARNs, part by part: a wildcard does not reach over a colon. ArnEquals and ArnLike are the same, as in IAM.
 *
 * Rules: IAM User Guide, "Amazon Resource Name (ARN) condition operators".
 */

import { readArnPattern } from '../match-arn.ts'
import { bothWays, type OperatorTable } from './operator.ts'

const [ArnLike, ArnNotLike] = bothWays((text, { variables }, place) => readArnPattern(text, variables, place))

export const ARN_OPERATORS: OperatorTable = {
  ArnEquals: ArnLike,
  ArnNotEquals: ArnNotLike,
  ArnLike,
  ArnNotLike,
}
