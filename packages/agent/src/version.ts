import description from '../package.json' with { type: 'json' };

/** Version of the agent, from its package. */
export const version: string = description.version;
