package githubtest_test

import (
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v4"

	"github.com/orrery-catalog/orrery/scanners/github/githubtest"
)

// jwtOf is what the app signs its requests with.
func jwtOf(t *testing.T, app *githubtest.App) string {
	t.Helper()
	return signed(t, app, jwt.MapClaims{
		"iss": app.ID(), "iat": time.Now().Add(-30 * time.Second).Unix(), "exp": time.Now().Add(5 * time.Minute).Unix(),
	})
}

func signed(t *testing.T, app *githubtest.App, claims jwt.MapClaims) string {
	t.Helper()
	key, err := jwt.ParseRSAPrivateKeyFromPEM(app.PrivateKey())
	must(t, err)
	token, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(key)
	must(t, err)
	return token
}
