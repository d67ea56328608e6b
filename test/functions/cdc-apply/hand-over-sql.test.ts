// Contract: the statements as Athena gets them, word by word. Names are quoted, a row that goes is known by everything that tells its states apart,
// and a MERGE whose rows are not what was folded has an empty source.
import { expect, test } from 'vitest'
import { locateSql, mergeSql, type Statement } from '#functions/cdc-apply/hand-over-sql.ts'

const statement: Statement = {
  table: 'people',
  handOver: 'people__handover',
  run: 'r1',
  key: ['shop', 'id "x"'],
  state: ['_version', '_place', '_authors'],
  columns: ['shop', 'id "x"', 'name', '_version', '_place', '_authors'],
}

test('locate', () => {
  expect(locateSql(statement).text).toMatchInlineSnapshot(
    `"INSERT INTO "people__handover" ("shop", "id ""x""", "name", "_version", "_place", "_authors", "_handover_run", "_handover_part") SELECT "t"."shop", "t"."id ""x""", "t"."name", "t"."_version", "t"."_place", "t"."_authors", 'r1', 'row' FROM "people" t JOIN (SELECT DISTINCT "shop", "id ""x""" FROM "people__handover" WHERE "_handover_run" = 'r1' AND "_handover_part" IN ('key')) k ON "t"."shop" = "k"."shop" AND "t"."id ""x""" = "k"."id ""x""""`,
  )
})

test('merge', () => {
  expect(mergeSql(statement).text).toMatchInlineSnapshot(`
    "MERGE INTO "people" t USING (SELECT s.* FROM (SELECT "shop", "id ""x""", "name", "_version", "_place", "_authors", "_handover_part" FROM "people__handover" WHERE "_handover_run" = 'r1' AND "_handover_part" = 'put' UNION ALL SELECT "r"."shop", "r"."id ""x""", NULL AS "name", "r"."_version", "r"."_place", "r"."_authors", 'remove' AS "_handover_part" FROM (SELECT "shop", "id ""x""", "_version", "_place", "_authors" FROM "people__handover" WHERE "_handover_run" = 'r1' AND "_handover_part" = 'remove') r) s WHERE (SELECT count(*) FROM (SELECT * FROM (SELECT * FROM (SELECT "t"."shop", "t"."id ""x""", "t"."_version", "t"."_place", "t"."_authors" FROM "people" t JOIN (SELECT DISTINCT "shop", "id ""x""" FROM "people__handover" WHERE "_handover_run" = 'r1' AND "_handover_part" IN ('key', 'row')) k ON "t"."shop" = "k"."shop" AND "t"."id ""x""" = "k"."id ""x""") n EXCEPT SELECT "shop", "id ""x""", "_version", "_place", "_authors" FROM "people__handover" WHERE "_handover_run" = 'r1' AND "_handover_part" = 'row') a UNION ALL SELECT * FROM (SELECT "shop", "id ""x""", "_version", "_place", "_authors" FROM "people__handover" WHERE "_handover_run" = 'r1' AND "_handover_part" = 'row' EXCEPT SELECT * FROM (SELECT "t"."shop", "t"."id ""x""", "t"."_version", "t"."_place", "t"."_authors" FROM "people" t JOIN (SELECT DISTINCT "shop", "id ""x""" FROM "people__handover" WHERE "_handover_run" = 'r1' AND "_handover_part" IN ('key', 'row')) k ON "t"."shop" = "k"."shop" AND "t"."id ""x""" = "k"."id ""x""") c) b) d) = 0) s ON "s"."_handover_part" = 'remove' AND "t"."shop" = "s"."shop" AND "t"."id ""x""" = "s"."id ""x""" AND "t"."_version" IS NOT DISTINCT FROM "s"."_version" AND "t"."_place" IS NOT DISTINCT FROM "s"."_place" AND "t"."_authors" IS NOT DISTINCT FROM "s"."_authors"
    WHEN MATCHED THEN DELETE
    WHEN NOT MATCHED AND "s"."_handover_part" = 'put' THEN INSERT ("shop", "id ""x""", "name", "_version", "_place", "_authors") VALUES ("s"."shop", "s"."id ""x""", "s"."name", "s"."_version", "s"."_place", "s"."_authors")"
  `)
})

const truncate = { position: '00.000a', kind: 1, lane: 'aaaa', ordinal: '07', content: 'c' } as const

test('with a truncate, rows that are older go too, and rows of several authors are looked at', () => {
  const [locate, merge] = [locateSql({ ...statement, truncate }).text, mergeSql({ ...statement, truncate }).text]
  expect(locate.split(' UNION ALL ')).toHaveLength(3)
  expect(locate).toContain(`"t"."_authors" IS NOT NULL`)
  expect(locate).toMatch(/< '00\.000a' END, true\) LIMIT 1\)$/)
  expect(merge).toContain(
    `= 'remove' UNION SELECT "t"."shop", "t"."id ""x""", "t"."_version", "t"."_place", "t"."_authors" FROM "people" t WHERE COALESCE(CASE`,
  )
  expect(merge).toContain(
    `UNION ALL SELECT "t"."shop", "t"."id ""x""", "t"."_version", "t"."_place", "t"."_authors" FROM "people" t WHERE "t"."_authors" IS NOT NULL`,
  )
})
