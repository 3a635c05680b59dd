import { suite } from 'node:test'
import { checkBadValues, checkTable } from '../testing/check-table.ts'

suite('BinaryEquals', () => {
  checkTable([
    ['BinaryEquals', 'QmluYXJ5', 'QmluYXJ5', true],
    ['BinaryEquals', 'AA==', 'AA==', true],
    ['BinaryEquals', 'QmluYXJ5', 'qmluYXJ5', false],
    ['BinaryEquals', 'QmluYXJ5', undefined, false],
    ['BinaryEquals', ['AAA=', 'AA=='], 'AAA=', true],
  ])
  checkBadValues('BinaryEquals', ['', 'AA', 'AB==', 'A A=', '_-==', 'AAA', 'AAB='])
})
