import 'reflect-metadata';
import { promisify } from 'node:util';
import { Controller, Get, Module, Param, Post, Req } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import session from 'sessapp/session';

class Users {
  async login(req, name) {
    await promisify(req.session.regenerate).call(req.session);
    req.session.userId = name;
    return 'in';
  }
  profile(req) {
    return req.session.userId ?? 'nobody';
  }
  async logout(req) {
    await promisify(req.session.destroy).call(req.session);
    return 'out';
  }
}
class Application {}

// A compiler would generate this from @Controller() class Users { @Post('login/:name') login(@Req() req, @Param('name') name) … }.
const decorate = (method, ...decorators) => {
  const all = [...decorators, (target, key) => Req()(target, key, 0)];
  Reflect.decorate(all, Users.prototype, method, Object.getOwnPropertyDescriptor(Users.prototype, method));
};
decorate('login', Post('login/:name'), (target, key) => Param('name')(target, key, 1));
decorate('profile', Get('profile'));
decorate('logout', Post('logout'));
Reflect.decorate([Controller()], Users);
Reflect.decorate([Module({ controllers: [Users] })], Application);

const app = await NestFactory.create(Application, { logger: false });
app.use(session({ secret: process.env.SESSION_SECRET, resave: false, saveUninitialized: false }));
await app.init();

export default app.getHttpAdapter().getInstance();
