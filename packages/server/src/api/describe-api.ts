import { openApiFixture } from './api-fixture.ts';
import { writeTypes } from './type-script-types.ts';

/** The texts that are generated from the routes. */
export interface GeneratedApiTexts {
  /** `docs/ref/openapi.json` */
  readonly openApi: string;
  /** `packages/console/src/api-types.ts` */
  readonly types: string;
}

/** Makes the OpenAPI document and the console's types from the routes themselves; nothing listens. */
export async function describeApi(): Promise<GeneratedApiTexts> {
  await using fixture = await openApiFixture();
  const document = fixture.api.document();
  return { openApi: `${JSON.stringify(document, undefined, 2)}\n`, types: writeTypes(document) };
}
