// Verifies our access tokens as a resource server in Go would: golang-jwt, with the key set fetched by keyfunc.
//
//	verifier <key set URL> <issuer> <seconds to keep the key set>
//
// Each line of input is a token as a JSON string; each line of output is "yes", or "no: " and why.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

// claims of RFC 9068, of which golang-jwt itself asks for exp, iss and aud alone.
type claims struct {
	jwt.RegisteredClaims
	ClientID string `json:"client_id"`
}

func (c claims) Validate() error {
	if c.Subject == "" || c.ID == "" || c.IssuedAt == nil || c.ClientID == "" {
		return fmt.Errorf("a claim is missing")
	}
	return nil
}

// The set is fetched again when its time is over, and never for a key that it lacks.
func fetchKeys(url string, keep time.Duration) (keyfunc.Keyfunc, error) {
	storage, err := jwkset.NewStorageFromHTTP(url, jwkset.HTTPClientStorageOptions{
		Ctx:                 context.Background(),
		RefreshInterval:     keep,
		RefreshErrorHandler: func(_ context.Context, err error) { log.Print(err) },
	})
	if err != nil {
		return nil, err
	}
	return keyfunc.New(keyfunc.Options{Storage: storage})
}

func verdict(parser *jwt.Parser, keys keyfunc.Keyfunc, line []byte) string {
	var text string
	if err := json.Unmarshal(line, &text); err != nil {
		return "broken: " + err.Error()
	}
	token, err := parser.ParseWithClaims(text, &claims{}, keys.Keyfunc)
	if err != nil {
		return fmt.Sprintf("no: %q", err.Error())
	}
	if token.Header["typ"] != "at+jwt" {
		return "no: another type"
	}
	return "yes"
}

func main() {
	url, issuer := os.Args[1], os.Args[2]
	keep, err := time.ParseDuration(os.Args[3] + "s")
	if err != nil {
		log.Fatal(err)
	}
	keys, err := fetchKeys(url, keep)
	if err != nil {
		log.Fatal(err)
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{"ES256"}),
		jwt.WithIssuer(issuer),
		jwt.WithAudience(issuer),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithStrictDecoding(),
	)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		fmt.Println(verdict(parser, keys, lines.Bytes()))
	}
}
