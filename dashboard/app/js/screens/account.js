// The viewer's own account: where they are logged in, and logging out there.

import { html } from "../../vendor/lit/index.js";
import { call } from "../api.js";
import { session } from "../session.js";
import { ask } from "../ui/dialog.js";
import { reloadLists } from "../ui/list.js";
import { Screen } from "../ui/view.js";
import { loginColumns } from "./person.js";

/** @typedef {import('../types.js').Login} Login */

class AccountScreen extends Screen {
  /** @param {Login} login */
  async end(login) {
    if (login.current) {
      await ask({
        title: "Log out here?",
        body: "This is the login that you are using now.",
        action: "Log out",
        done: "You are logged out.",
        run: () => session.logOut(),
      });
      return;
    }
    const isDone = await ask({
      title: "End this login?",
      body: "Its tokens are revoked, and its live connections close.",
      action: "End login",
      danger: true,
      done: "The login has ended.",
      run: () => call("DELETE", `/auth/sessions/${login.id}`),
    });
    if (isDone) reloadLists(this);
  }

  async endOthers() {
    const isDone = await ask({
      title: "Log out everywhere else?",
      body: "All your logins but this one end, on every device.",
      action: "Log out elsewhere",
      danger: true,
      done: "All other logins have ended.",
      run: () => call("DELETE", "/auth/sessions?keep_current=true"),
    });
    if (isDone) reloadLists(this);
  }

  async endAll() {
    await ask({
      title: "Log out everywhere?",
      body: "All your logins end, this one included, on every device.",
      action: "Log out everywhere",
      danger: true,
      done: "All your logins have ended.",
      run: async () => {
        await call("DELETE", "/auth/sessions");
        await session.logOut();
      },
    });
  }

  render() {
    return html`
      <div class="screen-head">
        <div>
          <h1 tabindex="-1">${session.user?.display_name}</h1>
          <p>${session.user?.email}</p>
        </div>
        <div class="buttons">
          <button class="button" @click=${this.endOthers}>Log out elsewhere</button>
          <button class="button danger" @click=${this.endAll}>Log out everywhere</button>
        </div>
      </div>
      <h2 class="section-title">Your logins</h2>
      <paged-list
        .path=${"/auth/sessions"}
        .label=${"Your logins"}
        .columns=${loginColumns((login) => this.end(login))}
        .none=${["No logins", "You use an access token that belongs to no login."]}
      ></paged-list>
    `;
  }
}

customElements.define("account-screen", AccountScreen);
