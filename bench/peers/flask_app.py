# Flask with its own cookie session, for gunicorn.
import os
from datetime import timedelta

from flask import Flask, Response, session

app = Flask(__name__)
app.config.update(
    SECRET_KEY=os.environ["SESSION_SECRET"],
    PERMANENT_SESSION_LIFETIME=timedelta(days=30),
    SESSION_REFRESH_EACH_REQUEST=False,
    SESSION_COOKIE_HTTPONLY=True,
    SESSION_COOKIE_SAMESITE="Lax",
    SESSION_COOKIE_SECURE=True,
)


def text(body):
    return Response(body, content_type="text/plain; charset=utf-8")


@app.get("/")
def visit():
    session.permanent = True
    session["username"] = "guest"
    session["count"] = session.get("count", 0) + 1
    return text("Saved username in the session.\n")


@app.get("/profile")
def profile():
    username = session.get("username")
    return text(f"The current user is {username}.\n" if username else "There is no current user.\n")


@app.get("/count")
def count():
    return text(f"{session.get('count', 0)}\n")
