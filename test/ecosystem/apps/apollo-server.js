import { promisify } from 'node:util';
import { ApolloServer } from '@apollo/server';
import { expressMiddleware } from '@as-integrations/express5';
import express from 'express';
import session from 'sessapp/session';

const typeDefs = `
  type Query { me: String }
  type Mutation { login(name: String!): String  logout: Boolean }
`;
const resolvers = {
  Query: { me: (_, __, { req }) => req.session.userId },
  Mutation: {
    login: async (_, { name }, { req }) => {
      await promisify(req.session.regenerate).call(req.session);
      req.session.userId = name;
      return name;
    },
    logout: async (_, __, { req }) => {
      await promisify(req.session.destroy).call(req.session);
      return true;
    },
  },
};
const server = new ApolloServer({ typeDefs, resolvers });
await server.start();

const app = express();
app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false }));
app.use('/graphql', express.json(), expressMiddleware(server, { context: async ({ req }) => ({ req }) }));

export default app;
